import type { NodeTls } from "../../providers/provider.ts";

/** A stream of bytes to a node: what HTTP/1.1 needs of a runtime's socket. */
export interface Connection {
  /** Reads into a part of `into`; null when the other side has ended. Rejects when the connection is broken or closed. */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes a first part of `bytes`, and comes back with how much that was. */
  write(bytes: Uint8Array): Promise<number>;
  /** Ends it at once; a read or write that waits rejects. */
  close(): void;
}

/** Where a connection leads. */
export interface Origin {
  /** A name, or an address without brackets. */
  readonly hostname: string;
  /** The port. */
  readonly port: number;
  /** Undefined for a connection without TLS. */
  readonly tls: NodeTls | undefined;
}

/** A connection, TLS included, or why there is none. */
export type ConnectResult =
  | {
    readonly kind: "connection";
    readonly connection: Connection;
    /** A write that rejects has sent nothing of its bytes; not so where they are encrypted or queued first. */
    readonly isWriteAtomic: boolean;
  }
  | {
    readonly kind: "failure";
    /** In words that hold no address. */
    readonly reason: string;
    /** The node has TLS and does not speak HTTP/1.1 over it. */
    readonly isOtherProtocol: boolean;
  };

/**
 * Opens connections: the part that each runtime has of its own. Never rejects; gives up when `signal` aborts.
 *
 * @example Counting connections
 * ```ts
 * import type { Connect } from "@relaymeter/relay";
 * import { denoConnect } from "@relaymeter/relay/connect-deno";
 *
 * let opened = 0;
 * const connect: Connect = async (origin, signal) => {
 *   const result = await denoConnect(origin, signal);
 *   if (result.kind === "connection") opened++;
 *   return result;
 * };
 * const refused = await connect({ hostname: "127.0.0.1", port: 1, tls: undefined }, new AbortController().signal);
 * if (refused.kind !== "failure" || opened !== 0) throw new Error("nobody listens there");
 * ```
 */
export type Connect = (origin: Origin, signal: AbortSignal) => Promise<ConnectResult>;

/** Runtimes say what went wrong in prose; what of it may be told. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/NoApplicationProtocol|no application protocol|ERR_SSL_TLSV1_ALERT_NO_APPLICATION/i, "it does not speak HTTP/1.1"],
  [/connection refused|ECONNREFUSED/i, "connection refused"],
  [/dns error|failed to lookup|ENOTFOUND|EAI_AGAIN|getaddrinfo/i, "its name could not be resolved"],
  [
    /certificate|UnknownIssuer|tls|ssl|handshake|received corrupt message|InvalidData|eof/i,
    "TLS could not be established",
  ],
];

/** The failure that a runtime's error stands for. */
export function connectFailure(error: unknown): ConnectResult {
  const text = error instanceof Error ? `${error.name} ${error.message} ${"code" in error ? error.code : ""}` : "";
  const index = REASONS.findIndex(([pattern]) => pattern.test(text));
  return { kind: "failure", reason: REASONS[index]?.[1] ?? "could not connect", isOtherProtocol: index === 0 };
}
