import { toAbortSignal } from "../../domain/cancellation.ts";
import type { Clock } from "../../domain/clock.ts";
import type { Post, PostResponse } from "../../domain/post.ts";
import { fieldOf } from "../../domain/wire.ts";
import type { Connect, Origin } from "./connection.ts";
import { decodeBody } from "./decode_body.ts";
import { headBytes, requestBytes } from "./request_bytes.ts";
import type { ParsedResponse } from "./response_parser.ts";
import { Wire } from "./wire.ts";

/** What it works with. */
export interface PostClientDeps {
  readonly connect: Connect;
  readonly clock: Clock;
  /** For what it can't do: URLs that name a user, and servers that have TLS and no HTTP/1.1 over it. */
  readonly fallback: Post;
}

/** A connection that waits for its next request. */
interface Idle {
  readonly wire: Wire;
  readonly key: string;
  /** Until when it is kept, milliseconds of the clock. */
  readonly untilMs: number;
}

/** Connections that are kept. */
const MAX_IDLE = 4;
/** Less than the five seconds after which a common server ends a connection that is not in use. */
const IDLE_TIMEOUT_MS = 4_000;
/** A connection is not used for longer, so that a change of addresses is followed. */
const MAX_AGE_MS = 5 * 60_000;
/** An answer that is longer is there without its body. */
const MAX_BODY_BYTES = 64 * 1024;
/** How often it is looked for connections that have been kept long enough, milliseconds. */
const SWEEP_MS = 1_000;

/**
 * Posts over connections of its own, for large requests to one server that have small answers: a fraction of what the
 * platform's `fetch` takes of CPU and memory. Of a response that breaks off after its status, or does not end before the
 * signal aborts, the status is left.
 */
export class PostClient {
  readonly #deps: PostClientDeps;
  readonly #targets = new Map<string, Target | "fallback">();
  readonly #idle: Idle[] = [];
  #cancelSweep: (() => void) | undefined;
  #isClosed = false;

  constructor(deps: PostClientDeps) {
    this.#deps = deps;
  }

  /** Makes a request. */
  readonly post: Post = async (request) => {
    const { connect, clock, fallback } = this.#deps;
    const { url, headers, body, signal } = request;
    let target = this.#targets.get(url);
    if (target === undefined) this.#targets.set(url, target = readTarget(url));
    if (target === "fallback") return await fallback(request);
    const fields = [...headers, ["accept-encoding", "identity"] as const];
    const head = headBytes({ verb: "POST", target: target.path, host: target.host, fields });
    if (head === undefined) throw new TypeError("it holds a character that HTTP does not allow");
    const parts = requestBytes(head, "POST", body);
    for (let kept = this.#take(target.key);; kept = undefined) {
      let wire = kept;
      if (wire === undefined) {
        const result = await connect(target.origin, toAbortSignal(signal));
        if (result.kind === "failure" && result.isOtherProtocol) {
          this.#targets.set(url, "fallback");
          return await fallback(request);
        }
        if (result.kind === "failure") throw new TypeError(result.reason);
        wire = new Wire(result.connection, clock, MAX_BODY_BYTES);
      }
      const response = await wire.exchange(parts, signal);
      if (response !== undefined) {
        this.#keep(wire, target.key, response);
        return await toPostResponse(response);
      }
      // One that was kept may have been ended by the server before it read this.
      if (signal.aborted || kept === undefined) throw new TypeError("the connection broke before there was an answer");
    }
  };

  /** Ends the connections that are kept, and keeps none from now on. */
  close(): void {
    this.#isClosed = true;
    this.#cancelSweep?.();
    for (const { wire } of [...this.#idle]) wire.close();
  }

  #take(key: string): Wire | undefined {
    const at = this.#idle.findLastIndex((idle) => idle.key === key);
    if (at < 0) return undefined;
    const { wire } = this.#idle.splice(at, 1)[0]!;
    wire.onEnd = undefined;
    return wire;
  }

  #keep(wire: Wire, key: string, { keepAliveSeconds = Infinity }: ParsedResponse): void {
    const nowMs = this.#deps.clock.monotonic();
    // A second less than the server says: it may close at the very moment at which it is sent a request.
    const keptMs = Math.min(IDLE_TIMEOUT_MS, keepAliveSeconds * 1000 - 1000);
    const isOld = nowMs - wire.bornAtMs > MAX_AGE_MS;
    if (!wire.isFree || isOld || keptMs <= 0 || this.#isClosed || this.#idle.length >= MAX_IDLE) return wire.close();
    const idle = { wire, key, untilMs: nowMs + keptMs };
    this.#idle.push(idle);
    wire.onEnd = () => void this.#idle.splice(this.#idle.indexOf(idle), 1);
    this.#sweepLater();
  }

  #sweepLater(): void {
    this.#cancelSweep ??= this.#deps.clock.schedule(SWEEP_MS, () => {
      this.#cancelSweep = undefined;
      const nowMs = this.#deps.clock.monotonic();
      for (const { wire, untilMs } of [...this.#idle]) if (untilMs <= nowMs) wire.close();
      if (this.#idle.length > 0) this.#sweepLater();
    });
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

async function toPostResponse({ status, headers, body }: ParsedResponse): Promise<PostResponse> {
  const encoding = fieldOf(headers, "content-encoding");
  const plain = encoding === undefined ? body : await decodeBody(body, encoding, MAX_BODY_BYTES);
  const retryAfter = fieldOf(headers, "retry-after") ?? null;
  return { status, retryAfter, body: typeof plain === "string" ? new Uint8Array() : plain };
}
