import type { Clock } from "../../domain/clock.ts";
import type { Log } from "../../domain/log.ts";
import { failure, type RelayError, SHUTTING_DOWN } from "../../domain/relay_error.ts";
import type { ApiFacts, RelayRequest } from "../../domain/relay_request.ts";
import type { StreamCall, StreamProtocol } from "../../domain/stream_call.ts";
import { fieldOf, type HeaderFields } from "../../domain/wire.ts";
import type { StreamEvents, WireStream } from "../../domain/wire_stream.ts";
import type { IncomingStream } from "../../http2/port.ts";
import { decodeHead, type GrpcCall, isUnmetered } from "../../protocols/grpc/call.ts";
import { metadataValue } from "../../protocols/grpc/metadata.ts";
import type { Relay } from "../../relay/relay.ts";
import type { StreamRelay } from "../../relay/stream_relay.ts";
import { matchCall } from "../../spec/api_facts.ts";
import type { Matcher } from "../../spec/matcher.ts";
import { clientAddressOf } from "../client_address.ts";
import { readHeightHeader } from "../height_header.ts";
import { readSteering } from "../request_headers.ts";
import { CollectedCall } from "./collected_call.ts";
import { applyRules } from "./metadata_rules.ts";

/** What the handler works with. */
export interface GrpcHandlerDeps {
  readonly relay: StreamRelay;
  /** Makes the calls that several nodes are asked at once. */
  readonly unary: Relay;
  readonly protocol: StreamProtocol;
  readonly matcher: Matcher;
  readonly clock: Clock;
  readonly log: Log;
  /** The newest block that is known of the chain; 0 while none is. */
  head(): number;
  /** Whether any provider serves an extension. */
  servesExtension(name: string): boolean;
  /** Whether any provider can be expected to answer. */
  isHealthy(): boolean;
  /** Whether a peer is believed about whom it speaks for. */
  isTrustedProxy(address: string): boolean;
}

/** Options of the handler, resolved. */
export interface GrpcHandlerOptions {
  readonly chain: string;
  readonly healthPath: string;
}

/** Serves one chain over gRPC: takes in streams, whoever carries them. */
export class GrpcHandler {
  readonly #deps: GrpcHandlerDeps;
  readonly #options: GrpcHandlerOptions;
  readonly #collected = new Set<CollectedCall>();
  /** Settles when no collected call is under way; there while that is waited for. */
  #idle: PromiseWithResolvers<void> | undefined;
  #isDraining = false;

  constructor(deps: GrpcHandlerDeps, options: GrpcHandlerOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** Calls under way. */
  get inFlight(): number {
    return this.#deps.relay.inFlight + this.#collected.size;
  }

  /** Takes in one stream. Never throws. */
  onStream(incoming: IncomingStream): StreamEvents {
    try {
      return this.#route(incoming);
    } catch (error) {
      this.#deps.log.error("call failed by a mistake of the relay", { error: String(error) });
      return this.#refuse(
        incoming.stream,
        failure("internal_error", "the relay made a mistake; its log says more").error,
      );
    }
  }

  /** Refuses new calls and waits for those under way: for `graceMs`, after which they are ended, and recorded. */
  async drain(graceMs: number): Promise<void> {
    const { relay, unary, clock } = this.#deps;
    this.#isDraining = true;
    const cancelTimer = clock.schedule(graceMs, () => {
      relay.interrupt();
      unary.interrupt();
      for (const call of [...this.#collected]) call.interrupt(SHUTTING_DOWN);
    });
    await relay.idle();
    if (this.#collected.size > 0) await (this.#idle ??= Promise.withResolvers<void>()).promise;
    cancelTimer();
  }

  #route({ stream, fields, isEnd, peerAddress }: IncomingStream): StreamEvents {
    if (fieldOf(fields, ":method") === "GET" && fieldOf(fields, ":path") === this.#options.healthPath) {
      return this.#health(stream);
    }
    if (this.#isDraining) return this.#refuse(stream, SHUTTING_DOWN);
    const decoded = decodeHead(fields);
    if (decoded.kind === "failure") return this.#refuse(stream, decoded.error);
    if (decoded.kind === "http") return answer(stream, [[":status", String(decoded.status)]]);
    const built = this.#request(decoded.call, fields, peerAddress);
    if (built.kind === "failure") return this.#refuse(stream, built.error);
    const { request } = built;
    const { timeoutMs } = decoded.call;
    const call = {
      request,
      protocol: this.#deps.protocol,
      isMetered: !isUnmetered(request.call.targets[0]!.name),
      deadlineMs: timeoutMs === undefined ? undefined : request.arrivedAtMs + timeoutMs,
    };
    // What is written to all nodes, or compared, has to be known as a whole.
    const isForMany = request.api.stateful === 1 || request.steering.crossValidation !== undefined;
    if (isForMany && call.isMetered) return this.#collect(call, stream, isEnd);
    const refusal = this.#deps.relay.admit(call);
    if (refusal === undefined) return this.#deps.relay.run(call, stream, isEnd);
    // What clients of gRPC wait by, where they do.
    const pushback = ["grpc-retry-pushback-ms", String(refusal.retryAfterMs)] as const;
    return answer(stream, [...this.#deps.protocol.errorHead(refusal.error), pushback]);
  }

  #collect(call: StreamCall, stream: WireStream, isComplete: boolean): StreamEvents {
    const { unary: relay, clock } = this.#deps;
    const onOver = (over: CollectedCall) => {
      this.#collected.delete(over);
      if (this.#collected.size === 0) this.#idle?.resolve();
    };
    const collected = new CollectedCall({ relay, clock, onOver }, call, stream);
    this.#collected.add(collected);
    if (isComplete) collected.onData(new Uint8Array(), true);
    return collected;
  }

  /** What is to be relayed, and for whom. */
  #request(
    { call }: GrpcCall,
    fields: HeaderFields,
    peerAddress: string,
  ): { readonly kind: "request"; readonly request: RelayRequest } | {
    readonly kind: "failure";
    readonly error: RelayError;
  } {
    const { clock, matcher, head, servesExtension } = this.#deps;
    const arrivedAtUnixMs = clock.now();
    const arrivedAtMs = clock.monotonic();
    // Of several origins the first counts.
    const get = (name: string) => name === "origin" ? fieldOf(fields, name) ?? null : metadataValue(fields, name);
    const address = clientAddressOf(peerAddress, get("x-forwarded-for"), this.#deps.isTrustedProxy);
    const steered = readSteering({ get }, address);
    if (steered.kind === "failure") return steered;
    const { caller, steering } = steered;
    const matched = matchCall(matcher, call.targets, {
      extensions: steering.extensions,
      path: "",
      head: head(),
      servesExtension,
      block: readHeightHeader({ get }),
    });
    if (matched.kind === "failure") return matched;
    const api: ApiFacts = matched.api;
    const nodeRequest = { ...call.nodeRequest, headers: applyRules(call.nodeRequest.headers, api.headerRules) };
    const times = { arrivedAtUnixMs, arrivedAtMs, signal: NEVER };
    const { chain } = this.#options;
    return {
      kind: "request",
      request: { caller, steering, chain, apiInterface: "grpc", call, api, nodeRequest, ...times },
    };
  }

  #health(stream: WireStream): StreamEvents {
    const isHealthy = !this.#isDraining && this.#deps.isHealthy();
    stream.sendHead([[":status", isHealthy ? "200" : "503"], ["content-type", "text/plain; charset=utf-8"]], false);
    stream.sendData(new TextEncoder().encode(isHealthy ? "Health status OK" : "Health status not OK"), true);
    return NOBODY;
  }

  #refuse(stream: WireStream, error: RelayError): StreamEvents {
    return answer(stream, this.#deps.protocol.errorHead(error));
  }
}

/** The client's going away is told by the stream itself. */
const NEVER = new AbortController().signal;

/** Nobody listens to a stream that has been answered. */
const NOBODY: StreamEvents = { onHead() {}, onData() {}, onTrailers() {}, onWritten() {}, onEnd() {} };

function answer(stream: WireStream, fields: HeaderFields): StreamEvents {
  stream.sendHead(fields, true);
  return NOBODY;
}
