import type { Head, HeadsDialect, NotificationParts } from "../../domain/subscription.ts";

/** Subscriptions to `newHeads`, as nodes with Ethereum's interface have them. */
export const JSONRPC_HEADS: HeadsDialect = {
  areWanted(call) {
    const params = call.targets[0]!.params();
    return Array.isArray(params) && params[0] === "newHeads";
  },
  read: (message) => headOf(contentOf(message)?.result),
  compose(block, like) {
    const content = contentOf(like);
    const source = parse(block);
    const head = headOf(source);
    if (head === undefined || !isObject(content?.result) || !isObject(source)) return undefined;
    // A block has more than a head: what the node's own heads have is what clients know.
    const result = Object.fromEntries(
      Object.keys(content.result).filter((name) => name in source).map((name) => [name, source[name]]),
    );
    return {
      head,
      before: `{"jsonrpc":"2.0","method":${JSON.stringify(content.method)},"params":{"subscription":`,
      after: `,"result":${JSON.stringify(result)}}}`,
    };
  },
};

function contentOf({ before, after }: NotificationParts): { method: unknown; result: unknown } | undefined {
  const message = parse(`${before}0${after}`);
  if (!isObject(message) || !isObject(message["params"])) return undefined;
  return { method: message["method"], result: message["params"]["result"] };
}

function headOf(block: unknown): Head | undefined {
  if (!isObject(block)) return undefined;
  const { number, hash, parentHash } = block;
  if (typeof number !== "string" || typeof hash !== "string" || typeof parentHash !== "string") return undefined;
  const height = /^0x[0-9a-f]+$/i.test(number) ? Number(number) : NaN;
  return Number.isSafeInteger(height) ? { height, hash, parentHash } : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
