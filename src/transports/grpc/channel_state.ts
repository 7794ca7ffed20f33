/** Where a channel to a node stands. */
export type ChannelState = "IDLE" | "CONNECTING" | "READY" | "TRANSIENT_FAILURE" | "SHUTDOWN";

/** What happens to a channel. */
export type ChannelEvent =
  /** A call wants it. */
  | "wanted"
  /** The connection is there, and the node has said its SETTINGS. */
  | "connected"
  /** No connection could be made. */
  | "refused"
  /** The pause after a failure is over, and somebody still waits. */
  | "try_again"
  /** The connection was lost, or the node sent GOAWAY. */
  | "lost"
  /** Nobody wants it any more. */
  | "closed";

/** Where a channel stands after an event. Pure; events that mean nothing in a state leave it. */
export function stepChannel(state: ChannelState, event: ChannelEvent): ChannelState {
  if (state === "SHUTDOWN" || event === "closed") return "SHUTDOWN";
  switch (event) {
    case "wanted":
      return state === "IDLE" ? "CONNECTING" : state;
    case "try_again":
      return state === "TRANSIENT_FAILURE" ? "CONNECTING" : state;
    case "connected":
      return state === "CONNECTING" ? "READY" : state;
    case "refused":
      return state === "CONNECTING" ? "TRANSIENT_FAILURE" : state;
    case "lost":
      return state === "READY" ? "IDLE" : state;
  }
}

/** What somebody who wants to make a call does about the state of a channel. */
export type ChannelDecision = "go" | "wait" | "fail" | "close_and_fail";

/**
 * Decides about a channel that was wanted `waitedMs` ago. Pure.
 *
 * Only READY is success: to have left IDLE says nothing yet. A channel that has been waited for too long is closed, so
 * that what is wrong with it is not waited for again.
 */
export function decideChannel(state: ChannelState, waitedMs: number, connectTimeoutMs: number): ChannelDecision {
  switch (state) {
    case "READY":
      return "go";
    case "SHUTDOWN":
      return "fail";
    case "IDLE":
    case "CONNECTING":
    case "TRANSIENT_FAILURE":
      return waitedMs < connectTimeoutMs ? "wait" : "close_and_fail";
  }
}

const FIRST_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 120_000;
const GROWTH = 1.6;
const JITTER = 0.2;

/** Milliseconds until a node is tried again after so many failures in a row, which are at least one. */
export function backoffMs(failures: number, random: number): number {
  const ms = Math.min(FIRST_BACKOFF_MS * GROWTH ** (failures - 1), MAX_BACKOFF_MS);
  return ms * (1 + JITTER * (2 * random - 1));
}
