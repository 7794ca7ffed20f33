import type { Cancellation } from "../domain/cancellation.ts";
import type { HeaderFields } from "../domain/wire.ts";
import type { HeaderSource } from "./request_headers.ts";

/** The body of a request, of which nothing need have come yet. */
export interface RequestBody {
  /** Its length, where it was declared; NaN for a declaration that is no number. */
  readonly declaredBytes: number | undefined;
  /** All of it, where it has come already. */
  readonly whole: Uint8Array<ArrayBuffer> | undefined;
  /** All of it, once it has come; undefined when it is longer than `maxBytes`. Rejects when the client leaves before. */
  read(maxBytes: number): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** It is not wanted, or not any more. */
  cancel(): void;
}

/** A request as a host has it, be it the platform's or one that it has read from a socket by itself. */
export interface HostRequest {
  /** HTTP method as it came. */
  readonly verb: string;
  /** Percent-encoded as it came, without the query. */
  readonly path: string;
  /** As it came, without the question mark; empty for none. */
  readonly query: string;
  readonly headers: HeaderSource;
  /** Address of the peer; empty where the host knows none. */
  readonly clientAddress: string;
  readonly body: RequestBody;
  /** Aborts when the client goes away before it has been answered. */
  readonly signal: Cancellation;
  /** Nobody listens to the signal any more. */
  endSignal(): void;
}

/** What a host sends back. */
export interface HostResponse {
  readonly status: number;
  /** Its header fields, in lists as they came together. */
  readonly fields: readonly HeaderFields[];
  /** Null for none. */
  readonly body: Uint8Array<ArrayBuffer> | null;
}
