import type { ProtocolCall } from "./relay_request.ts";

/** What a node sent over a WebSocket. */
export type NodeMessage =
  | {
    /** The answer to a message of the relay's. */
    readonly kind: "reply";
    /** The id that the relay sent. */
    readonly id: number;
    /** The answer as one to the id 1, which is what calls are read with. */
    readonly text: string;
    readonly isError: boolean;
    /** Under what the node sends what was subscribed to; empty for an answer that says nothing of it. */
    readonly subscription: string;
  }
  | {
    /** Something that was subscribed to. */
    readonly kind: "notification";
    readonly subscription: string;
    /** The message before and after the id of the subscription. */
    readonly before: string;
    readonly after: string;
  }
  | {
    /** The node has ended a subscription by itself. */
    readonly kind: "ended";
    readonly subscription: string;
  }
  | { readonly kind: "unreadable" };

/** A notification, parted where the id of its subscription stands. */
export interface NotificationParts {
  readonly before: string;
  readonly after: string;
}

/** What is to be known of a block to put it in its place. */
export interface Head {
  readonly height: number;
  readonly hash: string;
  readonly parentHash: string;
}

/** Subscriptions to new heads, where a protocol has them: bytes only, no state. */
export interface HeadsDialect {
  /** Whether a call subscribes to new heads. */
  areWanted(call: ProtocolCall): boolean;
  /** The head in a notification; undefined for what is none. */
  read(message: NotificationParts): Head | undefined;
  /** A block in JSON, as a node answers with it, in a notification with the members that `like` has. */
  compose(block: string, like: NotificationParts): NotificationParts & { readonly head: Head } | undefined;
}

/** How subscriptions are written in a protocol: bytes only, no state. */
export interface SubscriptionDialect {
  /** Whether one client may have the same subscription once only. */
  readonly isOncePerClient: boolean;
  /** What identical subscriptions have in common: method and params, white space apart. */
  keyOf(call: ProtocolCall): string;
  /** The message that subscribes with a node, under an id of the relay's. */
  subscribeMessage(call: ProtocolCall, id: number): string;
  /** A call's message under an id of the relay's; `body` is a request to the id 1. Undefined for what is not one. */
  callMessage(body: Uint8Array | null, id: number): string | undefined;
  /** The message that ends a subscription with a node; undefined where the protocol has none for it. */
  unsubscribeMessage(call: ProtocolCall, subscription: string, id: number): string | undefined;
  /** Reads a node's message. `isPending` tells ids that wait for their answer. */
  readNodeMessage(text: string, isPending: (id: number) => boolean): NodeMessage;
  /** The id that a client's notifications have, as JSON: the caller's own, or one made from `unique`, in the kind of the node's. */
  clientId(call: ProtocolCall, subscription: string, unique: string): string;
  /** The node's answer that accepts a subscription, with the client's id, as one to the id 1. */
  acceptance(clientId: string): string;
  /** The subscription that a client ends with this call, as its id or its key; undefined when it names none. */
  endedBy(call: ProtocolCall): string | undefined;
  /** The node's answer to an unsubscribe, as one to the id 1. */
  farewell(): string;
  /** Left out where no subscription is known to be one to new heads. */
  readonly heads?: HeadsDialect;
}
