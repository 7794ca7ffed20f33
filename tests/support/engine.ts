/** A relay of fakes: providers by script, time by hand, and a protocol whose answers say what they are. */
import { silentLog } from "../../mod.ts";
import type { NodeErrorClass } from "../../src/domain/node_error.ts";
import type { Outcome } from "../../src/domain/outcome.ts";
import { failure, type RelayErrorCode } from "../../src/domain/relay_error.ts";
import type { ApiFacts, ProtocolCall, RelayRequest } from "../../src/domain/relay_request.ts";
import type { ReplyCache } from "../../src/domain/reply_cache.ts";
import { NO_STEERING, type Steering } from "../../src/domain/steering.ts";
import { EndpointCounts } from "../../src/observe/metrics/endpoint_counts.ts";
import { NodeHealth } from "../../src/providers/node_health.ts";
import type { Provider } from "../../src/providers/provider.ts";
import type { Candidate, Sample, Selection } from "../../src/providers/selector.ts";
import type { SendResult, Transport } from "../../src/providers/transport.ts";
import { Consistency } from "../../src/relay/consistency.ts";
import { Meter } from "../../src/relay/meter.ts";
import { Relay, type RelayOptions } from "../../src/relay/relay.ts";
import { FakeClock, settle } from "./fake_clock.ts";
import { MemorySink } from "./memory_sink.ts";
import { TurnSelector } from "./turn_selector.ts";
import { nodeReply } from "./wire.ts";

/** What a provider does with one request, and after how many milliseconds. */
export type Step =
  | { readonly kind: "answer"; readonly text: string; readonly afterMs: number }
  | { readonly kind: "node_error"; readonly nodeError: NodeErrorClass; readonly afterMs: number }
  | { readonly kind: "fail"; readonly code: RelayErrorCode; readonly afterMs: number }
  | { readonly kind: "hang" };

/** The node answers with a result. */
export function ok(text = "1", afterMs = 0): Step {
  return { kind: "answer", text, afterMs };
}
/** The node answers with an error of its own. */
export function nodeError(error: NodeErrorClass, afterMs = 0): Step {
  return { kind: "node_error", nodeError: error, afterMs };
}
/** The attempt fails. */
export function fail(code: RelayErrorCode, afterMs = 0): Step {
  return { kind: "fail", code, afterMs };
}
/** The node never answers. */
export const HANG: Step = { kind: "hang" };

const CHAIN = { averageBlockTimeMs: 12_000, finalizedDistance: 8 };

/** What a test may want to be different. */
export interface EngineOptions extends Partial<RelayOptions> {
  /** Add-ons and extensions that providers serve, by name. */
  readonly addOns?: Readonly<Record<string, readonly string[]>>;
  /** Path that a provider's URL leads to already, by name. */
  readonly internalPaths?: Readonly<Record<string, string>>;
  /** Milliseconds that are added to the relay timeout for a provider, by name. */
  readonly extraTimeoutMs?: Readonly<Record<string, number>>;
  /** Whether the selector finds nobody that has the block that is wanted. */
  readonly refusesMinBlock?: boolean;
  readonly cache?: ReplyCache;
}

/** Facts of a cheap read. */
export function apiFacts(changes: Partial<ApiFacts> = {}): ApiFacts {
  const facts: ApiFacts = {
    apiMethod: "read",
    apiNames: ["read"],
    computeUnits: 10,
    addOn: "",
    internalPath: "",
    extensions: [],
    timeoutMs: 0,
    stateful: 0,
    isHanging: false,
    isDeterministic: true,
    isSubscription: false,
    requestedBlock: { from: -2, to: -2 },
    headerRules: [],
    withExtension: (name) =>
      apiFacts({ ...changes, extensions: [...facts.extensions, name], computeUnits: facts.computeUnits * 5 }),
    ...changes,
  };
  return facts;
}

/** A selector that remembers what it was asked and told. */
export class RecordingSelector extends TurnSelector {
  readonly selections: Selection[] = [];
  readonly samples: string[] = [];
  readonly heads = new Map<string, number>();
  refusesMinBlock = false;

  override select(selection: Selection): Candidate | undefined {
    this.selections.push(selection);
    if (this.refusesMinBlock && selection.minBlock > 0) return undefined;
    return super.select(selection);
  }

  override report(candidate: Candidate, sample: Sample, api: ApiFacts): void {
    const latency = "latencyMs" in sample ? ` ${sample.latencyMs}` : "";
    this.samples.push(`${candidate.provider.name} ${sample.kind}${latency}`);
    super.report(candidate, sample, api);
  }

  override head(): number {
    return Math.max(0, ...this.heads.values());
  }

  override headOf(provider: string): number {
    return this.heads.get(provider) ?? 0;
  }
}

/** The relay and all that can be seen of it. */
export class Engine {
  readonly clock = new FakeClock();
  readonly usage = new MemorySink();
  readonly counts = new EndpointCounts();
  readonly selector: RecordingSelector;
  readonly relay: Relay;
  /** Requests as they reached the nodes, such as `a /path`. */
  readonly sent: string[] = [];
  /** Names of the providers whose attempts were aborted. */
  readonly aborted: string[] = [];
  readonly #scripts: Readonly<Record<string, readonly Step[]>>;

  /** `scripts` by provider; the last step of each goes on for ever. */
  constructor(scripts: Readonly<Record<string, Step | readonly Step[]>>, options: EngineOptions = {}) {
    this.#scripts = Object.fromEntries(Object.entries(scripts).map(([name, steps]) => [name, [steps].flat()]));
    const providers = Object.keys(scripts).map((name): Provider => ({
      name,
      isBackup: false,
      socketUrls: [],
      nodeUrls: [{
        target: name,
        internalPath: options.internalPaths?.[name] ?? "",
        headers: [],
        extraTimeoutMs: options.extraTimeoutMs?.[name] ?? 0,
        addOns: new Set(options.addOns?.[name]),
        methods: undefined,
        forwardsAddress: false,
        health: new NodeHealth(),
      }],
    }));
    this.selector = new RecordingSelector(providers, this.clock, silentLog);
    this.selector.refusesMinBlock = options.refusesMinBlock ?? false;
    const deps = {
      selector: this.selector,
      transport: this.#transport(),
      meter: new Meter(this.usage, this.clock, this.counts),
      metrics: this.counts,
      clock: this.clock,
      log: silentLog,
      cache: options.cache,
      consistency: new Consistency(this.clock, { ...CHAIN, allowedLag: 2, maxCallers: 100 }),
    };
    this.relay = new Relay(deps, {
      retryLimit: 2,
      disableBatchRetry: true,
      batchNodeErrorOnAny: false,
      minRelayTimeoutMs: 1_000,
      processingTimeoutMs: 30_000,
      ...CHAIN,
      hedgeQuantile: 0,
      debugRelays: false,
      selectionStats: false,
      ...options,
    });
  }

  /** Starts a relay. */
  run(
    api: Partial<ApiFacts> = {},
    steering: Partial<Steering> = {},
    changes: Partial<RelayRequest> & { readonly isBatch?: boolean } = {},
  ): Promise<Outcome> {
    return this.relay.run({
      caller: { project: "acme", origin: "", address: "192.0.2.1" },
      steering: { ...NO_STEERING, ...steering },
      chain: "ETH1",
      apiInterface: "jsonrpc",
      call: fakeCall(changes.isBatch ?? false),
      api: apiFacts(api),
      nodeRequest: { verb: "POST", path: "/p", query: "", headers: [], body: new TextEncoder().encode("{}") },
      arrivedAtUnixMs: this.clock.now(),
      arrivedAtMs: this.clock.monotonic(),
      signal: new AbortController().signal,
      ...changes,
    });
  }

  /** Runs a relay to its end, moving time as far as needed. */
  async finish(outcome: Promise<Outcome>, maxMs = 200_000): Promise<Outcome> {
    let ended: Outcome | undefined;
    outcome.then((value) => ended = value);
    await settleDeep();
    for (let ms = 0; ended === undefined && ms < maxMs; ms += 50) {
      await this.clock.advance(50);
      await settleDeep();
    }
    if (ended === undefined) throw new Error(`the relay did not end within ${maxMs} ms`);
    return ended;
  }

  #transport(): Transport {
    const turns = new Map<string, number>();
    return {
      send: (nodeUrl, request, _address, signal) => {
        const name = nodeUrl.target;
        this.sent.push(`${name} ${request.path}`);
        const steps = this.#scripts[name]!;
        const turn = turns.get(name) ?? 0;
        turns.set(name, turn + 1);
        const step = steps[Math.min(turn, steps.length - 1)]!;
        const { promise, resolve } = Promise.withResolvers<SendResult>();
        let cancelTimer = () => {};
        if (step.kind !== "hang") {
          if (step.afterMs === 0) resolve(resultOf(step));
          else cancelTimer = this.clock.schedule(step.afterMs, () => resolve(resultOf(step)));
        }
        signal.addEventListener("abort", () => {
          this.aborted.push(name);
          cancelTimer();
          resolve(failure("upstream_disconnected", "given up"));
        }, { once: true });
        return promise;
      },
    };
  }
}

function resultOf(step: Step): SendResult {
  if (step.kind === "fail") return failure(step.code, "as scripted");
  return { kind: "reply", reply: nodeReply(JSON.stringify(step)) };
}

/** A call whose replies are steps: what a node says is what the step says. */
function fakeCall(isBatch: boolean): ProtocolCall {
  return {
    targets: [],
    isBatch,
    nodeRequest: { verb: "POST", path: "/p", query: "", headers: [], body: null },
    readReply(reply) {
      const step: Step = JSON.parse(new TextDecoder().decode(reply.body));
      const isError = step.kind === "node_error";
      if (!isError && step.kind !== "answer") return failure("malformed_answer", "no step");
      return {
        kind: "answer",
        status: 200,
        headers: [],
        succeededParts: isError ? 0 : 1,
        failedParts: isError ? 1 : 0,
        nodeError: isError ? step.nodeError : undefined,
        isEmpty: step.kind === "answer" && step.text === "null",
        body: new TextEncoder().encode(step.kind === "answer" ? step.text : JSON.stringify(step)),
      };
    },
    encodeError: () => ({ status: 500, headers: [], body: null }),
  };
}

/** Lets promises and what the platform does beside them settle. */
async function settleDeep(): Promise<void> {
  await settle();
  await new Promise((resolve) => setTimeout(resolve));
  await settle();
}
