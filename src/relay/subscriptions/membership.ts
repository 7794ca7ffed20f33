import type { RelayRequest } from "../../domain/relay_request.ts";

/** A client's end of its subscriptions. */
export interface Subscriber {
  /** Sends the answer to a call; `answer` is one to the id 1. */
  answer(request: RelayRequest, answer: string): void;
  /** Sends a notification. False when the client can't take it, and is on its way out. */
  deliver(text: string): boolean;
}

/** One client's share in a subscription. */
export interface Membership {
  readonly request: RelayRequest;
  readonly subscriber: Subscriber;
  /** The id in the client's notifications, as JSON. */
  readonly clientId: string;
}
