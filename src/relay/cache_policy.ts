import { isHeight, PENDING } from "../domain/block.ts";
import { NODE_ERRORS } from "../domain/node_error.ts";
import type { AnswerReading, RelayRequest } from "../domain/relay_request.ts";
import type { HeaderFields } from "../domain/wire.ts";

/** What the cache knows of its chain, resolved. */
export interface ChainTimes {
  /** Milliseconds between two blocks of the chain. */
  readonly averageBlockTimeMs: number;
  /** Blocks after which a block is final. */
  readonly finalizedDistance: number;
}

/** Longest request that is looked up, in bytes of its body. */
const MAX_REQUEST_BYTES = 64 * 1024;
/** How long an answer about final blocks is kept. */
const FINAL_TTL_MS = 60 * 60_000;
/** How long an answer about anything newer is kept, as a share of the time between two blocks. */
const BLOCK_TIME_SHARE = 1 / 4;
/** How long an error of a node is kept. */
const NODE_ERROR_TTL_MS = 250;

/**
 * Whether a request may be answered by a reply to another one: any node would give the same answer, nothing is changed
 * by asking, and the caller has no wish about who is asked.
 */
export function isCacheable({ api, steering, nodeRequest }: RelayRequest): boolean {
  const { crossValidation, selectProvider, stickiness, blockedProviders } = steering;
  return api.isDeterministic && api.stateful === 0 && !api.isHanging && !api.isSubscription &&
    api.requestedBlock.to !== PENDING && api.requestedBlock.from !== PENDING &&
    crossValidation === undefined && selectProvider === "" && stickiness === "" && blockedProviders.length === 0 &&
    (nodeRequest.body?.length ?? 0) <= MAX_REQUEST_BYTES;
}

/** What two requests share that any node would answer alike: all that a node is sent, which the caller's ids are not. */
export function cacheKeyOf({ chain, apiInterface, api, nodeRequest }: RelayRequest): string {
  const { verb, path, query, headers, body } = nodeRequest;
  const place = `${chain} ${apiInterface} ${api.internalPath} ${api.extensions.join()}`;
  return `${place}\n${verb} ${path}?${query}\n${textOfFields(headers)}\n\n${body === null ? "" : textOf(body)}`;
}

/** A codec's own headers are one list for all its requests. */
const fieldTexts = new WeakMap<HeaderFields, string>();

function textOfFields(fields: HeaderFields): string {
  let text = fieldTexts.get(fields);
  if (text === undefined) {
    text = fields.map(([name, value]) => `${name}: ${value}`).join("\n");
    fieldTexts.set(fields, text);
  }
  return text;
}

/** How long an answer may be given to others, in milliseconds; 0 for not at all. */
export function ttlOf(request: RelayRequest, reading: AnswerReading, head: number, times: ChainTimes): number {
  if (reading.status >= 500) return 0;
  if (reading.nodeError !== undefined) return NODE_ERRORS[reading.nodeError].askAnother ? 0 : NODE_ERROR_TTL_MS;
  const { from, to } = request.api.requestedBlock;
  const isFinal = isHeight(from) && isHeight(to) && to <= head - times.finalizedDistance;
  // What is not there may come yet, also at a node that is behind.
  return isFinal && !reading.isEmpty ? FINAL_TTL_MS : times.averageBlockTimeMs * BLOCK_TIME_SHARE;
}

/** Whether a reply from the time of one head still holds at another: what is newest changes with each block. */
export function isStillNewest({ api: { requestedBlock } }: RelayRequest, headThen: number, headNow: number): boolean {
  return isHeight(requestedBlock.to) || headNow <= headThen;
}

/** Bytes as a text that differs where they do. */
function textOf(bytes: Uint8Array): string {
  if (bytes.length <= FEW_BYTES && bytes.every((byte) => byte < 0x80)) {
    return String.fromCharCode.apply(null, bytes as unknown as number[]);
  }
  try {
    return utf8.decode(bytes);
  } catch {
    return bytes.join();
  }
}

/** Up to so many bytes a text is made without the platform's decoder, which takes longer to be asked. */
const FEW_BYTES = 256;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
