import type { ApiInterface } from "../domain/api_interface.ts";
import type { Clock } from "../domain/clock.ts";
import type { Codec } from "../domain/codec.ts";
import type { Log } from "../domain/log.ts";
import { failure, type RelayError, SHUTTING_DOWN } from "../domain/relay_error.ts";
import type { ProtocolCall } from "../domain/relay_request.ts";
import type { HeaderFields, WireResponse } from "../domain/wire.ts";
import type { Relay } from "../relay/relay.ts";
import { matchCall } from "../spec/api_facts.ts";
import type { Matcher } from "../spec/matcher.ts";
import { clientAddressOf } from "./client_address.ts";
import {
  availableCodings,
  chooseCoding,
  compress,
  type CompressionOptions,
  type ContentCoding,
} from "./compression.ts";
import { Cors, type CorsOptions } from "./cors.ts";
import { withSpecHeaders } from "./header_rules.ts";
import { FetchRequest } from "./fetch_request.ts";
import { readHeightHeader } from "./height_header.ts";
import type { HostRequest, HostResponse } from "./host_request.ts";
import { toResponse } from "./http_response.ts";
import { createGuids, outcomeHeaders } from "./outcome_headers.ts";
import { type BodyLimits, BodyReader } from "./read_body.ts";
import { type HeaderSource, readSteering } from "./request_headers.ts";

/** What the handler works with. */
export interface FetchHandlerDeps {
  readonly relay: Relay;
  readonly codec: Codec;
  readonly matcher: Matcher;
  readonly clock: Clock;
  readonly log: Log;
  /** From 0 up to 1; names requests. */
  random(): number;
  /** The newest block that is known of the chain; 0 while none is. */
  head(): number;
  /** The newest block that is known of a provider; 0 while none is. */
  headOf(provider: string): number;
  /** Whether any provider serves an extension. */
  servesExtension(name: string): boolean;
  /** Whether any provider can be expected to answer. */
  isHealthy(): boolean;
  /** Whether an address is that of a proxy which tells the truth about whom it speaks for. */
  isTrustedProxy(address: string): boolean;
}

/** Options of the handler, resolved. */
export interface FetchHandlerOptions extends BodyLimits {
  readonly chain: string;
  readonly apiInterface: ApiInterface;
  readonly healthPath: string;
  readonly cors: CorsOptions;
  readonly compression: CompressionOptions;
}

/** What the host knows about a request beyond the request itself. */
export interface ConnectionInfo {
  /** Address of the peer. */
  readonly clientAddress?: string;
  /** The request's path without what the host needed to find this relay; default the whole path. */
  readonly path?: string;
}

/**
 * Serves one chain over one interface, to every host: `Request` in, `Response` out, on any platform that has these two, or
 * the same without them.
 */
export class FetchHandler {
  readonly #deps: FetchHandlerDeps;
  readonly #options: FetchHandlerOptions;
  readonly #cors: Cors;
  readonly #codings: readonly ContentCoding[];
  readonly #nextGuid: () => string;
  /** What the interface serves, for those who try another verb. */
  readonly #allow: HeaderFields;
  #inFlight = 0;
  #isDraining = false;
  /** Settles when the last request has been answered; there while that is waited for. */
  #idle: PromiseWithResolvers<void> | undefined;
  readonly #bodies: BodyReader;

  constructor(deps: FetchHandlerDeps, options: FetchHandlerOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#cors = new Cors(options.cors);
    this.#bodies = new BodyReader(options, deps.clock);
    this.#codings = availableCodings(options.compression.codings);
    this.#nextGuid = createGuids(deps.random);
    this.#allow = [["allow", [...deps.codec.verbs, "OPTIONS"].join(", ")]];
  }

  /** Requests under way. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Answers one request of the platform. Never rejects. */
  fetch(request: Request, { clientAddress = "", path }: ConnectionInfo = {}): Promise<Response> {
    return this.#serve(new FetchRequest(request, clientAddress, this.#deps.clock), path, toResponse);
  }

  /** Answers one request of a host of its own. Never rejects. */
  handle(request: HostRequest, path?: string): Promise<HostResponse> {
    return this.#serve(request, path, asItIs);
  }

  async #serve<Out>(
    request: HostRequest,
    path: string | undefined,
    finish: (response: HostResponse) => Out,
  ): Promise<Out> {
    this.#inFlight++;
    try {
      return finish(await this.#route(request, path ?? request.path));
    } catch (error) {
      this.#deps.log.error("request failed by a mistake of the relay", { error: String(error) });
      const mistake = failure("internal_error", "the relay made a mistake; its log says more").error;
      return finish(this.#refuse(request, mistake));
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
      this.#bodies.stop();
      this.#deps.relay.interrupt();
    });
    await this.#idle.promise;
    cancelTimer();
  }

  #route(request: HostRequest, path: string): HostResponse | Promise<HostResponse> {
    const { verb } = request;
    if (verb === "OPTIONS") return this.#cors.preflight(request.headers);
    if (verb === "GET" || verb === "HEAD") {
      if (path === this.#options.healthPath) return this.#health(request);
      if (path === "/favicon.ico") return this.#respond(request, { status: 404, headers: [], body: null });
    }
    if (this.#deps.codec.verbs.includes(verb)) return this.#relay(request, path);
    const served = this.#deps.codec.verbs.join(", ");
    const error = failure("method_not_allowed", `${verb} is not served here; send ${served}`).error;
    return this.#refuse(request, error, undefined, this.#allow);
  }

  #health(request: HostRequest): HostResponse {
    const isHealthy = !this.#isDraining && this.#deps.isHealthy();
    const text = isHealthy ? "Health status OK" : "Health status not OK";
    const headers = [["content-type", "text/plain; charset=utf-8"]] as const;
    return this.#respond(request, { status: isHealthy ? 200 : 503, headers, body: new TextEncoder().encode(text) });
  }

  /** One relay, from the request's bytes to the response's. */
  async #relay(request: HostRequest, path: string): Promise<HostResponse> {
    const { codec, matcher, relay, clock, log } = this.#deps;
    const { verb, query, headers } = request;
    const arrivedAtUnixMs = clock.now();
    const arrivedAtMs = clock.monotonic();
    const guid = this.#nextGuid();
    const refuse = (error: RelayError, call?: ProtocolCall) =>
      this.#refuse(request, error, call, [["lava-guid", guid]]);
    if (this.#isDraining) return refuse(SHUTTING_DOWN);
    const encodingError = checkEncoding(headers);
    if (encodingError !== undefined) return refuse(encodingError);

    const read = await this.#bodies.read(request.body);
    if (read.kind === "failure") return refuse(read.error);
    const header = (name: string) => headers.get(name);
    const decoded = codec.decode({ verb, path, query, header, body: read.body });
    if (decoded.kind === "response") return this.#respond(request, decoded.response, [["lava-guid", guid]]);
    const { call } = decoded;
    const steered = readSteering(headers, this.#clientAddress(request));
    if (steered.kind === "failure") return refuse(steered.error, call);
    const { caller, steering } = steered;
    const matched = matchCall(matcher, call.targets, {
      extensions: steering.extensions,
      path,
      head: this.#deps.head(),
      servesExtension: this.#deps.servesExtension,
      block: this.#options.apiInterface === "rest" ? readHeightHeader(headers) : undefined,
    });
    if (matched.kind === "failure") return refuse(matched.error, call);
    if (matched.api.isSubscription) return refuse(NEEDS_SOCKET, call);

    const { chain, apiInterface } = this.#options;
    const outcome = await relay.run({
      caller,
      steering,
      chain,
      apiInterface,
      call,
      api: matched.api,
      nodeRequest: withSpecHeaders(call.nodeRequest, matched.api.headerRules, headers),
      arrivedAtUnixMs,
      arrivedAtMs,
      signal: request.signal,
    });
    request.endSignal();
    const added = outcomeHeaders(outcome, guid, this.#deps.headOf);
    if (outcome.kind === "answer") return this.#answer(request, outcome.response, added);
    log.debug("relay failed", { guid, code: outcome.error.code, method: outcome.api.apiMethod.slice(0, 100) });
    return this.#refuse(request, outcome.error, call, added);
  }

  /** A node's answer, compressed where that is wanted and worth it. */
  #answer(request: HostRequest, response: WireResponse, added: HeaderFields): HostResponse | Promise<HostResponse> {
    const { body } = response;
    const isLarge = body !== null && body.length >= this.#options.compression.minBytes && this.#codings.length > 0;
    if (!isLarge) return this.#respond(request, response, added);
    const coding = chooseCoding(request.headers.get("accept-encoding"), this.#codings);
    if (coding === undefined) return this.#respond(request, response, added, VARIES);
    return compress(body, coding).then((body) =>
      this.#respond(request, { ...response, body }, added, VARIES, [["content-encoding", coding]])
    );
  }

  #clientAddress({ headers, clientAddress }: HostRequest): string {
    if (clientAddress === "" || !this.#deps.isTrustedProxy(clientAddress)) return clientAddress;
    return clientAddressOf(clientAddress, headers.get("x-forwarded-for"), this.#deps.isTrustedProxy);
  }

  /** An error in the shape of the protocol: as the answer to `call`, where there is one. */
  #refuse(request: HostRequest, error: RelayError, call?: ProtocolCall, added: HeaderFields = []): HostResponse {
    return this.#respond(request, (call ?? this.#deps.codec).encodeError(error), added);
  }

  #respond(request: HostRequest, { status, headers, body }: WireResponse, ...added: HeaderFields[]): HostResponse {
    return { status, fields: [headers, this.#cors.headersFor(request.headers.get("origin")), ...added], body };
  }
}

function asItIs(response: HostResponse): HostResponse {
  return response;
}

const NEEDS_SOCKET = failure("unsupported_api", "subscriptions need a WebSocket connection; connect to /ws").error;
const VARIES: HeaderFields = [["vary", "accept-encoding"]];

/** What is wrong with the body's encoding, if anything. */
function checkEncoding(headers: HeaderSource): RelayError | undefined {
  const encoding = headers.get("content-encoding");
  if (encoding === null || encoding.toLowerCase() === "identity") return undefined;
  return failure("unsupported_media_type", "compressed bodies are not read here; send it without content-encoding")
    .error;
}
