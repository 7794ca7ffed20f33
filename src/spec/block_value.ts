import {
  type BlockHeight,
  EARLIEST,
  FINALIZED,
  isHeight,
  LATEST,
  NOT_APPLICABLE,
  PENDING,
  SAFE,
} from "../domain/block.ts";

const TAGS: ReadonlyMap<string, BlockHeight> = new Map([
  ["latest", LATEST],
  ["earliest", EARLIEST],
  ["pending", PENDING],
  ["safe", SAFE],
  ["finalized", FINALIZED],
]);

/**
 * The block that a value of a request names: a number, its text in decimal or with `0x`, a tag, a hash of 64 hex digits,
 * or an object that holds `blockNumber` or `blockHash` (EIP-1898). Undefined for anything else.
 */
export function readBlock(value: unknown): BlockHeight | undefined {
  switch (typeof value) {
    case "number":
      return Number.isInteger(value) && value >= 0 ? Math.min(value, Number.MAX_SAFE_INTEGER) : undefined;
    case "string":
      return readBlockText(value);
    case "object": {
      if (value === null || Array.isArray(value)) return undefined;
      if (Object.hasOwn(value, "blockNumber")) return readBlock(Reflect.get(value, "blockNumber"));
      return Object.hasOwn(value, "blockHash") ? NOT_APPLICABLE : undefined;
    }
    default:
      return undefined;
  }
}

function readBlockText(text: string): BlockHeight | undefined {
  const tag = TAGS.get(text);
  if (tag !== undefined) return tag;
  if (text.length > 66) return undefined;
  if (/^(?:0x)?[0-9a-f]{64}$/i.test(text)) return NOT_APPLICABLE;
  if (!/^(?:\d+|0x[0-9a-f]+)$/i.test(text)) return undefined;
  return Math.min(Number(text), Number.MAX_SAFE_INTEGER);
}

/** Where a block stands between the oldest and the newest one, for comparing heights with stand-ins. */
function ageOf(block: BlockHeight): number {
  switch (block) {
    case EARLIEST:
      return -1;
    case FINALIZED:
      return Number.MAX_SAFE_INTEGER + 1;
    case SAFE:
      return Number.MAX_SAFE_INTEGER + 3;
    case LATEST:
      return Number.MAX_SAFE_INTEGER + 5;
    case PENDING:
      return Number.MAX_SAFE_INTEGER + 7;
    default:
      return block;
  }
}

/** The older of two blocks; one that is not applicable says nothing. */
export function olderBlock(a: BlockHeight, b: BlockHeight): BlockHeight {
  if (a === NOT_APPLICABLE || b === NOT_APPLICABLE) return otherOf(a, b);
  return ageOf(a) <= ageOf(b) ? a : b;
}

/** The newer of two blocks; one that is not applicable says nothing. */
export function newerBlock(a: BlockHeight, b: BlockHeight): BlockHeight {
  if (a === NOT_APPLICABLE || b === NOT_APPLICABLE) return otherOf(a, b);
  return ageOf(a) >= ageOf(b) ? a : b;
}

function otherOf(a: BlockHeight, b: BlockHeight): BlockHeight {
  return a === NOT_APPLICABLE ? b : a;
}

/** Whether a block is so old that only nodes that keep everything have it: `distance` blocks behind the head or more. */
export function isOlderThan(block: BlockHeight, head: number, distance: number): boolean {
  if (block === EARLIEST) return true;
  return isHeight(block) && (head === 0 || block < head - distance);
}
