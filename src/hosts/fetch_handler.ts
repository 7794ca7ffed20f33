import type { Clock } from "../domain/clock.ts";
import type { Codec } from "../domain/codec.ts";
import type { ApiInterface } from "../domain/api_interface.ts";
import type { Log } from "../domain/log.ts";
import type { Outcome } from "../domain/outcome.ts";
import { failure, type RelayError, SHUTTING_DOWN } from "../domain/relay_error.ts";
import type { ProtocolCall } from "../domain/relay_request.ts";
import type { HeaderFields, WireResponse } from "../domain/wire.ts";
import type { Relay } from "../relay/relay.ts";
import { matchCall } from "../spec/api_facts.ts";
import type { Matcher } from "../spec/matcher.ts";
import { CORS_HEADERS, preflightResponse } from "./cors.ts";
import { type BodyLimits, readBody } from "./read_body.ts";
import { readSteering } from "./request_headers.ts";

/** What the handler works with. */
export interface FetchHandlerDeps {
  readonly relay: Relay;
  readonly codec: Codec;
  readonly matcher: Matcher;
  readonly clock: Clock;
  readonly log: Log;
  /** The newest block that is known of the chain; 0 while none is. */
  head(): number;
  /** Whether any provider serves an extension. */
  servesExtension(name: string): boolean;
  /** Whether any provider can be expected to answer. */
  isHealthy(): boolean;
}

/** Options of the handler, resolved. */
export interface FetchHandlerOptions extends BodyLimits {
  readonly chain: string;
  readonly apiInterface: ApiInterface;
  readonly healthPath: string;
}

/** What the host knows about a request beyond the request itself. */
export interface ConnectionInfo {
  /** Address of the peer. */
  readonly clientAddress?: string;
}

/** Serves one chain over one interface: `Request` in, `Response` out, on any platform that has these two. */
export class FetchHandler {
  readonly #deps: FetchHandlerDeps;
  readonly #options: FetchHandlerOptions;
  #inFlight = 0;
  #isDraining = false;
  /** Settles when the last request has been answered; there while that is waited for. */
  #idle: PromiseWithResolvers<void> | undefined;
  readonly #stop = new AbortController();

  constructor(deps: FetchHandlerDeps, options: FetchHandlerOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** Answers one request. Never rejects. */
  async fetch(request: Request, info: ConnectionInfo = {}): Promise<Response> {
    this.#inFlight++;
    try {
      return await this.#route(request, info.clientAddress ?? "");
    } catch (error) {
      this.#deps.log.error("request failed by a mistake of the relay", { error: String(error) });
      return this.#errorResponse(failure("internal_error", "the relay made a mistake; its log says more").error);
    } finally {
      this.#inFlight--;
      if (this.#inFlight === 0) this.#idle?.resolve();
    }
  }

  /**
   * Takes no more requests and waits for those under way: for `graceMs`, after which bodies are read no further and
   * attempts are ended, so that their relays fail, are recorded, and are answered. Safe to call twice: the shortest
   * grace holds.
   */
  async drain(graceMs: number): Promise<void> {
    this.#isDraining = true;
    if (this.#inFlight === 0) return;
    this.#idle ??= Promise.withResolvers<void>();
    const cancelTimer = this.#deps.clock.schedule(graceMs, () => {
      this.#stop.abort();
      this.#deps.relay.interrupt();
    });
    await this.#idle.promise;
    cancelTimer();
  }

  async #route(request: Request, clientAddress: string): Promise<Response> {
    if (request.method === "OPTIONS") return preflightResponse(request);
    if (request.method === "POST") return await this.#relay(request, clientAddress);
    if (request.method === "GET" || request.method === "HEAD") {
      if (pathOf(request) === this.#options.healthPath) return this.#health();
    }
    const error = failure("method_not_allowed", `${request.method} is not served here; send JSON-RPC with POST`).error;
    return this.#errorResponse(error, undefined, [["allow", "POST, OPTIONS"]]);
  }

  #health(): Response {
    const isHealthy = !this.#isDraining && this.#deps.isHealthy();
    const text = isHealthy ? "Health status OK" : "Health status not OK";
    const headers = [["content-type", "text/plain; charset=utf-8"]] as const;
    return respond({ status: isHealthy ? 200 : 503, headers, body: new TextEncoder().encode(text) });
  }

  /** One relay, from the request's bytes to the response's. */
  async #relay(request: Request, clientAddress: string): Promise<Response> {
    const { codec, matcher, relay, clock } = this.#deps;
    const arrivedAtUnixMs = clock.now();
    const arrivedAtMs = clock.monotonic();
    if (this.#isDraining) return this.#errorResponse(SHUTTING_DOWN);
    const encodingError = checkEncoding(request.headers);
    if (encodingError !== undefined) return this.#errorResponse(encodingError);

    const read = await readBody(request, this.#options, clock, this.#stop.signal);
    if (read.kind === "failure") return this.#errorResponse(read.error);
    const decoded = codec.decode({
      verb: request.method,
      path: "/",
      query: "",
      header: (name) => request.headers.get(name),
      body: read.body,
    });
    if (decoded.kind === "response") return respond(decoded.response);
    const { call } = decoded;
    const steered = readSteering(request.headers, clientAddress);
    if (steered.kind === "failure") return this.#errorResponse(steered.error, call);
    const { caller, steering } = steered;
    const matched = matchCall(matcher, call.targets, {
      extensions: steering.extensions,
      path: pathOf(request),
      head: this.#deps.head(),
      servesExtension: this.#deps.servesExtension,
    });
    if (matched.kind === "failure") return this.#errorResponse(matched.error, call);
    if (matched.api.isSubscription) return this.#errorResponse(NEEDS_SOCKET, call);

    const { chain, apiInterface } = this.#options;
    const outcome = await relay.run({
      caller,
      steering,
      chain,
      apiInterface,
      call,
      api: matched.api,
      nodeRequest: call.nodeRequest,
      arrivedAtUnixMs,
      arrivedAtMs,
      signal: request.signal,
    });
    const headers = outcomeHeaders(outcome);
    if (outcome.kind === "failure") return this.#errorResponse(outcome.error, call, headers);
    return respond(outcome.response, headers);
  }

  /** An error in the shape of the protocol: as the answer to `call`, where there is one. */
  #errorResponse(error: RelayError, call?: ProtocolCall, headers?: HeaderFields): Response {
    return respond((call ?? this.#deps.codec).encodeError(error), headers);
  }
}

const NEEDS_SOCKET = failure("unsupported_api", "subscriptions need a WebSocket connection; connect to /ws").error;

/** The path of a request; empty for a URL that is none, as a broken `Host` header makes it. */
function pathOf(request: Request): string {
  try {
    return new URL(request.url).pathname;
  } catch {
    return "";
  }
}

function respond({ status, headers: own, body }: WireResponse, extra: HeaderFields = []): Response {
  const headers = [...own, ...CORS_HEADERS, ...extra].map(([name, value]): [string, string] => [name, value]);
  return new Response(body, { status, headers });
}

/** What is wrong with the body's encoding, if anything. */
function checkEncoding(headers: Headers): RelayError | undefined {
  const encoding = headers.get("content-encoding") ?? "identity";
  if (encoding.toLowerCase() === "identity") return undefined;
  return failure("unsupported_media_type", "compressed bodies are not read here; send it without content-encoding")
    .error;
}

function outcomeHeaders(outcome: Outcome): [string, string][] {
  const providers = outcome.kind === "answer" ? outcome.provider : outcome.tried.join(",");
  const headers: [string, string][] = [];
  if (providers !== "") headers.push(["lava-provider-address", providers]);
  if (outcome.retries > 0) headers.push(["lava-retries", String(outcome.retries)]);
  for (const [name, value] of outcome.notes) headers.push([name, value]);
  return headers;
}
