/** What the relay does with an answer that is an error of the node's own. */
export interface NodeErrorTraits {
  /** Whether another node may answer the same call with a result. */
  readonly askAnother: boolean;
  /** Whether it counts against the node as a failure does. */
  readonly penalise: boolean;
  /** Whether a node that keeps old data may have what is missing. */
  readonly addsArchive: boolean;
}

/** The kinds of error that nodes answer with. All of them are answers: they are passed on as they came when no other node does better. */
export const NODE_ERRORS = {
  /** Every node would say the same: execution reverted, invalid params, unknown method. */
  deterministic: { askAnother: false, penalise: false, addsArchive: false },
  /** The data is not there, or not any more. */
  missing_data: { askAnother: true, penalise: false, addsArchive: true },
  /** The node is behind or still catching up. */
  syncing: { askAnother: true, penalise: true, addsArchive: false },
  /** The node has too much to do, or failed inside. */
  overloaded: { askAnother: true, penalise: true, addsArchive: false },
  /** The node asks for fewer requests. */
  rate_limited: { askAnother: true, penalise: false, addsArchive: false },
  /** Nothing that the relay knows: taken at its word. */
  unknown: { askAnother: false, penalise: false, addsArchive: false },
} as const satisfies Record<string, NodeErrorTraits>;

/** Name of a kind of node error. */
export type NodeErrorClass = keyof typeof NODE_ERRORS;
