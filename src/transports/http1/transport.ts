import type { Cancellation } from "../../domain/cancellation.ts";
import type { Clock } from "../../domain/clock.ts";
import { failure } from "../../domain/relay_error.ts";
import { parseRetryAfter } from "../../domain/retry_after.ts";
import type { HeaderFields, NodeRequest } from "../../domain/wire.ts";
import type { NodeTls, NodeUrl } from "../../providers/provider.ts";
import type { SendResult, Transport } from "../../providers/transport.ts";
import { targetOf } from "../fetch.ts";
import type { Connect } from "./connection.ts";
import { decodeBody } from "./decode_body.ts";
import { Exchange, type ExchangeResult } from "./exchange.ts";
import type { Fault } from "./head.ts";
import { Pool, type PoolOptions } from "./pool.ts";
import { headBytes, requestBytes } from "./request_bytes.ts";
import type { ParsedResponse } from "./response_parser.ts";

/** What the transport works with. */
export interface Http1TransportDeps {
  readonly connect: Connect;
  readonly clock: Clock;
  /** Asks nodes that do not speak HTTP/1.1 over TLS; without one they are unreachable. */
  readonly fallback?: Transport | undefined;
}

/** Options of the transport. All but the first have defaults that suit. */
export interface Http1TransportOptions extends Partial<Omit<PoolOptions, "maxBodyBytes">> {
  /** Most bytes of a reply. */
  readonly maxReplyBytes: number;
}

/** Most connections to one origin. */
const MAX_CONNECTIONS = 512;
const CONNECT_TIMEOUT_MS = 10_000;
/** Less than the five seconds after which a common server ends a connection that is not in use. */
const IDLE_TIMEOUT_MS = 4_000;
const MAX_AGE_MS = 5 * 60_000;
const MAX_HEAD_BYTES = 64 * 1024;

/**
 * Reaches nodes by HTTP/1.1 over connections of its own, which are kept. A request is repeated by itself only where the
 * node certainly has not processed it.
 */
export class Http1Transport implements Transport {
  readonly #deps: Http1TransportDeps;
  readonly #options: PoolOptions;
  /** What a URL says, read once. */
  readonly #targets = new WeakMap<NodeUrl, Target>();
  readonly #pools = new Map<string, Pool>();
  #isClosed = false;

  constructor(deps: Http1TransportDeps, { maxReplyBytes, ...options }: Http1TransportOptions) {
    this.#deps = deps;
    this.#options = {
      maxConnections: options.maxConnections ?? MAX_CONNECTIONS,
      connectTimeoutMs: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      idleTimeoutMs: options.idleTimeoutMs ?? IDLE_TIMEOUT_MS,
      maxAgeMs: options.maxAgeMs ?? MAX_AGE_MS,
      maxHeadBytes: options.maxHeadBytes ?? MAX_HEAD_BYTES,
      maxBodyBytes: maxReplyBytes,
    };
  }

  send(
    nodeUrl: NodeUrl,
    request: NodeRequest,
    clientAddress: string,
    signal: Cancellation,
  ): Promise<SendResult> {
    const { fallback } = this.#deps;
    const target = this.#targetOf(nodeUrl);
    if (target.isOtherProtocol && fallback !== undefined) {
      return fallback.send(nodeUrl, request, clientAddress, signal);
    }
    if (signal.aborted || this.#isClosed) return Promise.resolve(DISCONNECTED);
    const head = headOf(nodeUrl, target, request, clientAddress);
    if (head === undefined) return Promise.resolve(NOT_HTTP);
    const parts = requestBytes(head, request.verb, request.body);
    const exchange = new Exchange(parts, request.verb === "HEAD", signal, (result) => {
      if (result.kind === "response") return this.#reply(result.response);
      const isOther = result.kind === "unreachable" && result.isOtherProtocol;
      if (!isOther || fallback === undefined || nodeUrl.tls !== undefined) return this.#failure(result);
      target.isOtherProtocol = true;
      return fallback.send(nodeUrl, request, clientAddress, signal);
    });
    target.pool.send(exchange);
    return exchange.promise;
  }

  /** Open connections to all nodes. */
  get connections(): number {
    return this.#pools.values().reduce((sum, pool) => sum + pool.size, 0);
  }

  /** Ends all connections. What is sent from now on fails. */
  close(): void {
    this.#isClosed = true;
    for (const pool of this.#pools.values()) pool.close();
  }

  #reply(response: ParsedResponse): SendResult | Promise<SendResult> {
    const { status, headers, retryAfter, contentEncoding: encoding, body, trailers } = response;
    const retryAfterMs = retryAfter === undefined ? 0 : parseRetryAfter(retryAfter, this.#deps.clock.now());
    if (encoding === undefined || body.length === 0 || encoding.toLowerCase() === "identity") {
      return { kind: "reply", reply: { status, headers, body, trailers, retryAfterMs } };
    }
    return this.#decode(response, encoding, retryAfterMs);
  }

  /** The reply without an encoding that nobody asked for. */
  async #decode(
    { status, headers, body, trailers }: ParsedResponse,
    encoding: string,
    retryAfterMs: number,
  ): Promise<SendResult> {
    const decoded = await decodeBody(body, encoding, this.#options.maxBodyBytes);
    if (decoded === "too_large") return this.#failure({ kind: "fault", fault: "body_too_large" });
    if (decoded === "unreadable") return failure("malformed_answer", "its content encoding could not be read");
    const plain = headers.filter(([name]) => name !== "content-encoding" && name !== "content-length");
    return { kind: "reply", reply: { status, headers: plain, body: decoded, trailers, retryAfterMs } };
  }

  #failure(result: Exclude<ExchangeResult, { kind: "response" }>): SendResult {
    switch (result.kind) {
      case "unreachable":
        return failure("upstream_unreachable", result.reason);
      case "fault":
        if (result.fault === "body_too_large") {
          return failure("answer_too_large", `the answer is larger than ${this.#options.maxBodyBytes} bytes`);
        }
        return failure("malformed_answer", FAULTS[result.fault]);
      case "disconnected":
      case "aborted":
        return DISCONNECTED;
    }
  }

  #targetOf(nodeUrl: NodeUrl): Target {
    let target = this.#targets.get(nodeUrl);
    if (target === undefined) this.#targets.set(nodeUrl, target = this.#readTarget(nodeUrl));
    return target;
  }

  #readTarget({ target, tls }: NodeUrl): Target {
    const { protocol, hostname, port, host, pathname, search } = new URL(target);
    const isSecure = protocol === "https:";
    // URLs of one origin that show themselves alike share its connections.
    const key = `${protocol}//${host} ${isSecure ? JSON.stringify([tls?.caPem, tls?.certPem, tls?.keyPem]) : ""}`;
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      const origin = {
        hostname: hostname.replace(/^\[|\]$/g, ""),
        port: Number(port) || (isSecure ? 443 : 80),
        tls: isSecure ? tls ?? NO_TLS_OPTIONS : undefined,
      };
      this.#pools.set(key, pool = new Pool(this.#deps, origin, this.#options));
    }
    return { pool, host, path: pathname + search, isOtherProtocol: false, lastHead: undefined };
  }
}

interface Target {
  readonly pool: Pool;
  readonly host: string;
  /** With the query. */
  readonly path: string;
  isOtherProtocol: boolean;
  /** The head of the request before: most requests have the same. */
  lastHead: (Pick<NodeRequest, "verb" | "path" | "query" | "headers"> & { readonly bytes: Uint8Array }) | undefined;
}

const NO_TLS_OPTIONS: NodeTls = {};

const NOT_HTTP = failure("invalid_request", "it holds a character that HTTP does not allow");
const DISCONNECTED = failure("upstream_disconnected", "the connection broke before the answer was complete");

const FAULTS: Readonly<Record<Exclude<Fault, "body_too_large">, string>> = {
  bad_status_line: "it is not HTTP/1.1: the status line can't be read",
  bad_header: "it breaks HTTP/1.1: a header can't be read",
  bad_length: "it breaks HTTP/1.1: its length is not certain",
  bad_transfer_encoding: "it breaks HTTP/1.1: its transfer encoding is not chunked",
  bad_chunk: "it breaks HTTP/1.1: a chunk can't be read",
  unexpected_status: "it changes to a protocol that nobody asked for",
  too_many_interim: "it says too often that the answer is still to come",
  head_too_large: "its headers are too large",
  excess_bytes: "there is more than one answer",
  cut_off: "the connection broke before the answer was complete",
};

/** The bytes of a request's head; undefined where it can't be sent. */
function headOf(
  nodeUrl: NodeUrl,
  target: Target,
  { verb, path, query, headers }: NodeRequest,
  clientAddress: string,
): Uint8Array | undefined {
  const { lastHead: last } = target;
  // A codec's own headers are one list for all its requests.
  if (last?.headers === headers && last.verb === verb && last.path === path && last.query === query) return last.bytes;
  const fields = fieldsOf(nodeUrl, headers, clientAddress);
  const bytes = headBytes({ verb, target: targetOf(target.path, path, query), host: target.host, fields });
  if (bytes !== undefined && !nodeUrl.forwardsAddress) target.lastHead = { verb, path, query, headers, bytes };
  return bytes;
}

/** Header fields of a request. What authenticates takes the place of what the caller sent. */
function fieldsOf(nodeUrl: NodeUrl, headers: HeaderFields, clientAddress: string): HeaderFields {
  const own = nodeUrl.headers;
  const fields: (readonly [string, string])[] = [];
  for (const field of headers) if (!own.some(([name]) => name === field[0])) fields.push(field);
  // Decoding would cost more than the bytes that it saves between neighbours.
  fields.push(["accept-encoding", "identity"]);
  for (const field of own) fields.push(field);
  if (nodeUrl.forwardsAddress && clientAddress !== "") fields.push(["x-forwarded-for", clientAddress]);
  return fields;
}
