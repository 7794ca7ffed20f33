import type { Cancellation } from "./cancellation.ts";
import type { HeaderFields } from "./wire.ts";

/** A request with a body, to a server that is no node. */
export interface PostRequest {
  /** Full URL. */
  readonly url: string;
  readonly headers: HeaderFields;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly signal: Cancellation;
}

/** What a server said to it. */
export interface PostResponse {
  readonly status: number;
  /** `Retry-After`; null where there is none. */
  readonly retryAfter: string | null;
  /** As far as it came: the status has said all that counts. */
  readonly body: Uint8Array;
}

/** Posts; no redirect is followed. Rejects when there is no response, and when the signal aborts before its status. */
export type Post = (request: PostRequest) => Promise<PostResponse>;
