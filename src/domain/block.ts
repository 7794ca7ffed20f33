/**
 * Blocks as the ecosystem counts them: a height from 0 up, or one of these stand-ins, which are all negative.
 *
 * A request for a block by its hash has {@linkcode NOT_APPLICABLE} as its height.
 */
export type BlockHeight = number;

/** The request is about no block. */
export const NOT_APPLICABLE = -1;
/** The newest block that the node has. */
export const LATEST = -2;
/** The oldest block that the node has. */
export const EARLIEST = -3;
/** The block that is being made. */
export const PENDING = -4;
/** The newest block that is unlikely to be undone. */
export const SAFE = -5;
/** The newest block that can't be undone. */
export const FINALIZED = -6;

/** The blocks that a request is about: of one call one block, of a batch a range. */
export interface RequestedBlock {
  /** The oldest one. */
  readonly from: BlockHeight;
  /** The newest one. */
  readonly to: BlockHeight;
}

/** Whether a height is one and not a stand-in. */
export function isHeight(block: BlockHeight): boolean {
  return block >= 0;
}
