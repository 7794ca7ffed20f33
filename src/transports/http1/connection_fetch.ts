import type { Clock } from "../../domain/clock.ts";
import type { Connect, Origin } from "./connection.ts";
import { decodeBody } from "./decode_body.ts";
import { headBytes, requestBytes } from "./request_bytes.ts";
import type { ParsedResponse } from "./response_parser.ts";
import { Wire } from "./wire.ts";

/** The part of the platform's `fetch` that is spoken here: URLs are texts, bodies are bytes. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** What it works with. */
export interface ConnectionFetchDeps {
  readonly connect: Connect;
  readonly clock: Clock;
  /** For what it can't do: URLs that name a user, and servers that have TLS and no HTTP/1.1 over it. */
  readonly fallback: Fetch;
}

/** A connection that waits for its next request. */
interface Idle {
  readonly wire: Wire;
  readonly key: string;
  readonly cancelTimer: () => void;
}

/** Connections that are kept. */
const MAX_IDLE = 4;
/** Less than the five seconds after which a common server ends a connection that is not in use. */
const IDLE_TIMEOUT_MS = 4_000;
/** A connection is not used for longer, so that a change of addresses is followed. */
const MAX_AGE_MS = 5 * 60_000;
/** An answer that is longer is there without its body. */
const MAX_BODY_BYTES = 64 * 1024;
/** Statuses whose responses have no body. */
const NULL_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * A `fetch` over connections of its own, for large requests to one server that have small answers: a fraction of what the
 * platform's takes of CPU and memory. No redirect is followed. A response that breaks off after its status, or does not
 * end before the signal aborts, is one without a body.
 */
export class ConnectionFetch {
  readonly #deps: ConnectionFetchDeps;
  readonly #targets = new Map<string, Target | "fallback">();
  readonly #idle: Idle[] = [];
  #isClosed = false;

  constructor(deps: ConnectionFetchDeps) {
    this.#deps = deps;
  }

  /** Makes a request. Rejects when there is no response, as the platform's does. */
  readonly fetch: Fetch = async (url, init) => {
    let target = this.#targets.get(url);
    if (target === undefined) this.#targets.set(url, target = readTarget(url));
    if (target === "fallback") return await this.#deps.fallback(url, init);
    const signal = init.signal ?? new AbortController().signal;
    const verb = init.method ?? "GET";
    const fields = [...new Headers(init.headers), ["accept-encoding", "identity"]] as const;
    const head = headBytes({ verb, target: target.path, host: target.host, fields });
    if (head === undefined) throw new TypeError("it holds a character that HTTP does not allow");
    const parts = requestBytes(head, verb, init.body as Uint8Array<ArrayBuffer> | null);
    for (let kept = this.#take(target.key);; kept = undefined) {
      signal.throwIfAborted();
      let wire = kept;
      if (wire === undefined) {
        const result = await this.#deps.connect(target.origin, signal);
        if (result.kind === "failure" && result.isOtherProtocol) {
          this.#targets.set(url, "fallback");
          return await this.#deps.fallback(url, init);
        }
        if (result.kind === "failure") throw new TypeError(result.reason);
        wire = new Wire(result.connection, this.#deps.clock, MAX_BODY_BYTES);
      }
      const response = await wire.exchange(parts, signal);
      if (response !== undefined) {
        this.#keep(wire, target.key, response);
        return await toResponse(response);
      }
      // One that was kept may have been ended by the server before it read this.
      if (kept === undefined) throw new TypeError("the connection broke before there was an answer");
    }
  };

  /** Ends the connections that are kept, and keeps none from now on. */
  close(): void {
    this.#isClosed = true;
    for (const { wire } of this.#idle) wire.close();
  }

  #take(key: string): Wire | undefined {
    const at = this.#idle.findLastIndex((idle) => idle.key === key);
    if (at < 0) return undefined;
    const { wire, cancelTimer } = this.#idle.splice(at, 1)[0]!;
    wire.onEnd = undefined;
    cancelTimer();
    return wire;
  }

  #keep(wire: Wire, key: string, { keepAliveSeconds = Infinity }: ParsedResponse): void {
    const { clock } = this.#deps;
    const keptMs = Math.min(IDLE_TIMEOUT_MS, keepAliveSeconds * 1000 - 1000);
    const isOld = clock.monotonic() - wire.bornAtMs > MAX_AGE_MS;
    if (!wire.isFree || isOld || keptMs <= 0 || this.#isClosed || this.#idle.length >= MAX_IDLE) return wire.close();
    const idle = { wire, key, cancelTimer: clock.schedule(keptMs, () => wire.close()) };
    this.#idle.push(idle);
    wire.onEnd = () => {
      idle.cancelTimer();
      this.#idle.splice(this.#idle.indexOf(idle), 1);
    };
  }
}

/** What a URL says. */
interface Target {
  readonly path: string;
  readonly host: string;
  readonly origin: Origin;
  /** The same for URLs that share connections. */
  readonly key: string;
}

function readTarget(url: string): Target | "fallback" {
  const { protocol, username, password, hostname, port, host, pathname, search } = new URL(url);
  if (username !== "" || password !== "" || (protocol !== "http:" && protocol !== "https:")) return "fallback";
  const isSecure = protocol === "https:";
  return {
    path: pathname + search,
    host,
    key: `${protocol}//${host}`,
    origin: {
      hostname: hostname.replace(/^\[|\]$/g, ""),
      port: Number(port) || (isSecure ? 443 : 80),
      tls: isSecure ? {} : undefined,
    },
  };
}

async function toResponse({ status, headers, body }: ParsedResponse): Promise<Response> {
  const fields = headers.map(([name, value]): [string, string] => [name, value]);
  const encoding = headers.find(([name]) => name === "content-encoding")?.[1];
  const plain = encoding === undefined ? body : await decodeBody(body, encoding, MAX_BODY_BYTES);
  const isBodiless = NULL_BODY.has(status) || typeof plain === "string";
  return new Response(isBodiless ? null : plain, { status, headers: fields });
}
