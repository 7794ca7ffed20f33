import type { ApiInterface } from "./api_interface.ts";

/** One relay, as customers are billed for it. Leaves the relay as the log record `relay_usage`. */
export interface RelayUsageEvent {
  /** Tells the kinds of events apart. */
  readonly kind: "relay_usage";
  /** Milliseconds since the Unix epoch: the moment at which the request arrived. */
  readonly timeUnixMs: number;
  /** Who is charged. */
  readonly project: string;
  /** Chain index, such as `ETH1`. */
  readonly chain: string;
  /** Protocol that the call came over. */
  readonly apiInterface: ApiInterface;
  /** Name of the API in the chain spec, `Default-<name>` for one it does not know; of a batch, joined by `&`. */
  readonly apiMethod: string;
  /** Compute units charged. */
  readonly computeUnits: number;
  /** Whole milliseconds from arrival until the answer was complete. */
  readonly latencyMs: number;
  /** Whether a node, or the cache, gave an answer that is not an error. */
  readonly success: boolean;
  /** Whether the answer came from the response cache. */
  readonly cacheHit: boolean;
  /** Whether the API changes the state of the chain. */
  readonly isWrite: boolean;
  /** Whether the request used the archive extension. */
  readonly isArchive: boolean;
  /** Whether the body was an array, of one call too. */
  readonly isBatch: boolean;
  /** Whether the API is in the `debug` or `trace` add-on. */
  readonly isDebugTrace: boolean;
  /** Attempts that were started because an earlier one was slow. */
  readonly hedgeCount: number;
  /** Whose answer was returned; the last one tried when none was; empty when none was tried. */
  readonly provider: string;
  /** The caller's `Origin`. */
  readonly origin: string;
  /** The relay's own error code; empty on success and when the error is the node's. Leaves the relay on request only. */
  readonly errorClass: string;
  /** Attempts made against nodes. Leaves the relay on request only. */
  readonly attempts: number;
}

/** One provider's scores at one sampling tick. Leaves the relay as the log record `optimizer_qos`. */
export interface OptimizerQosEvent {
  /** Tells the kinds of events apart. */
  readonly kind: "optimizer_qos";
  /** Milliseconds since the Unix epoch: the tick, the same for all events of one tick. */
  readonly timeUnixMs: number;
  /** Name of the provider. */
  readonly provider: string;
  /** Host that the relay runs on. */
  readonly consumerHostname: string;
  /** Name of the relay process, `smart-router-<random>`. */
  readonly consumerPubAddress: string;
  /** Chain index, such as `ETH1`. */
  readonly chainId: string;
  /** Number of the epoch that the tick is in. */
  readonly epoch: number;
  /** The provider's position in the configuration. */
  readonly entryIndex: number;
  /** Region of the relay, as configured. */
  readonly geoLocation: number;
  /** Stake of the provider, as configured. */
  readonly providerStake: number;
  /** Normalised score of its availability, 0 to 1, higher is better. */
  readonly selectionAvailability: number;
  /** Normalised score of its latency, 0 to 1, higher is better. */
  readonly selectionLatency: number;
  /** Normalised score of its freshness, 0 to 1, higher is better. */
  readonly selectionSync: number;
  /** Normalised score of its stake, 0 to 1, higher is better. */
  readonly selectionStake: number;
  /** Score that it is chosen by, 0 to 1. */
  readonly selectionComposite: number;
  /** Part of its availability in the composite: score times weight. */
  readonly availabilityContribution: number;
  /** Part of its latency in the composite: score times weight. */
  readonly latencyContribution: number;
  /** Part of its freshness in the composite: score times weight. */
  readonly syncContribution: number;
  /** Part of its stake in the composite: score times weight. */
  readonly stakeContribution: number;
}

/** Every kind of event that a usage sink takes. */
export type UsageEvent = RelayUsageEvent | OptimizerQosEvent;

/** Name of a kind of event. */
export type UsageEventKind = UsageEvent["kind"];
