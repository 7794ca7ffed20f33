import type { Clock } from "../domain/clock.ts";
import type { Codec } from "../domain/codec.ts";
import type { ApiInterface } from "../domain/api_interface.ts";
import type { Log } from "../domain/log.ts";
import type { Outcome } from "../domain/outcome.ts";
import { failure, type RelayError, SHUTTING_DOWN, traitsOf } from "../domain/relay_error.ts";
import type { ProtocolCall } from "../domain/relay_request.ts";
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
    return respond(isHealthy ? 200 : 503, new TextEncoder().encode(text), "text/plain; charset=utf-8");
  }

  /** One relay, from the request's bytes to the response's. */
  async #relay(request: Request, clientAddress: string): Promise<Response> {
    const { codec, matcher, relay, clock } = this.#deps;
    const arrivedAtUnixMs = clock.now();
    const arrivedAtMs = clock.monotonic();
    if (this.#isDraining) return this.#errorResponse(SHUTTING_DOWN);
    const mediaError = checkMediaType(request.headers, codec.mediaTypes);
    if (mediaError !== undefined) return this.#errorResponse(mediaError);

    const read = await readBody(request, this.#options, clock, this.#stop.signal);
    if (read.kind === "failure") return this.#errorResponse(read.error);
    const decoded = codec.decode(read.body);
    if (decoded.kind === "response") return respond(decoded.response.status, decoded.response.body, this.#mediaType);
    const { call } = decoded;
    const steered = readSteering(request.headers, clientAddress);
    if (steered.kind === "failure") return this.#errorResponse(steered.error, call);
    const { caller, requestedTimeoutMs, extensions } = steered.steering;
    const matched = matchCall(matcher, call.names, extensions);
    if (matched.kind === "failure") return this.#errorResponse(matched.error, call);

    const { chain, apiInterface } = this.#options;
    const outcome = await relay.run({
      caller,
      chain,
      apiInterface,
      call,
      api: matched.api,
      requestedTimeoutMs,
      arrivedAtUnixMs,
      arrivedAtMs,
      signal: request.signal,
    });
    const headers = outcomeHeaders(outcome);
    if (outcome.kind === "failure") return this.#errorResponse(outcome.error, call, headers);
    return respond(outcome.body === null ? 204 : 200, outcome.body, this.#mediaType, headers);
  }

  get #mediaType(): string {
    return this.#deps.codec.mediaTypes[0]!;
  }

  /** An error in the shape of the protocol: as the answer to `call`, where there is one. */
  #errorResponse(error: RelayError, call?: ProtocolCall, headers?: readonly [string, string][]): Response {
    const body = call === undefined ? this.#deps.codec.encodeError(error) : call.encodeError(error);
    return respond(traitsOf(error.code).httpStatus, body, this.#mediaType, headers);
  }
}

/** The path of a request; empty for a URL that is none, as a broken `Host` header makes it. */
function pathOf(request: Request): string {
  try {
    return new URL(request.url).pathname;
  } catch {
    return "";
  }
}

function respond(
  status: number,
  body: Uint8Array<ArrayBuffer> | null,
  contentType: string,
  extra: readonly (readonly [string, string])[] = [],
): Response {
  const headers: [string, string][] = [];
  if (body !== null) headers.push(["content-type", contentType]);
  for (const [name, value] of CORS_HEADERS) headers.push([name, value]);
  for (const [name, value] of extra) headers.push([name, value]);
  return new Response(body, { status, headers });
}

/** What is wrong with the body's declared form, if anything. A request that declares none is taken at its word. */
function checkMediaType(headers: Headers, accepted: readonly string[]): RelayError | undefined {
  const contentType = headers.get("content-type");
  if (contentType !== null && !accepted.includes(contentType.split(";")[0]!.trim().toLowerCase())) {
    return failure("unsupported_media_type", `this content type is not read here; send ${accepted[0]}`).error;
  }
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
  return headers;
}
