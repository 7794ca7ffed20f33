import type { Head, HeadsDialect, NotificationParts } from "../../domain/subscription.ts";
import type { HeadChain } from "./head_chain.ts";

/** A head that no node has sent, in a notification. */
export type FilledHead = NotificationParts & { readonly head: Head };

/** The heads that are missing, in order; or why they can't be had. */
export type GapResult =
  | { readonly kind: "heads"; readonly heads: readonly FilledHead[] }
  | { readonly kind: "given_up"; readonly reason: string };

/** What fills gaps. */
export interface GapDeps {
  readonly heads: HeadsDialect;
  /** A block in JSON; undefined where it can't be had. Never rejects. */
  fetchBlock(height: number): Promise<string | undefined>;
}

/** Blocks that are asked for at once. */
const AT_ONCE = 8;

/**
 * Finds the heads between what clients have and a new head, from that one back along the hashes of the parents: so what
 * comes is one chain, and after a reorganisation it starts where the branches part. At most `maxBlocks`.
 */
export async function findMissing(
  chain: HeadChain,
  first: NotificationParts & { readonly head: Head },
  deps: GapDeps,
  maxBlocks: number,
): Promise<GapResult> {
  const missing = first.head.height - chain.tip - 1;
  if (missing > maxBlocks) return givenUp(`${missing} blocks are more than ${maxBlocks}`);
  const found: FilledHead[] = [];
  const ahead = new Map<number, Promise<string | undefined>>();
  let { height, parentHash: wanted } = first.head;
  for (height--; !chain.has(height, wanted) && height >= chain.floor; height--) {
    if (found.length === maxBlocks) return givenUp(`the chain parts more than ${maxBlocks} blocks back`);
    // What has to be fetched in any case is asked for side by side.
    for (let next = height; next > Math.max(chain.tip, height - AT_ONCE); next--) {
      if (!ahead.has(next)) ahead.set(next, deps.fetchBlock(next));
    }
    const block = await (ahead.get(height) ?? deps.fetchBlock(height));
    if (block === undefined) return givenUp(`block ${height} can't be had`);
    const filled = deps.heads.compose(block, first);
    if (filled?.head.height !== height) return givenUp(`block ${height} can't be read`);
    if (filled.head.hash !== wanted) return givenUp(`block ${height} has been replaced meanwhile`);
    found.unshift(filled);
    wanted = filled.head.parentHash;
  }
  return { kind: "heads", heads: found };
}

function givenUp(reason: string): GapResult {
  return { kind: "given_up", reason };
}
