import { traitsOf } from "../domain/relay_error.ts";
import type { RelayRequest } from "../domain/relay_request.ts";
import type { StreamReading } from "../domain/stream_call.ts";
import type { Selector } from "../providers/selector.ts";
import type { Latencies } from "./latencies.ts";
import type { RelayMetrics } from "./relay_metrics.ts";
import { sampleOfReading, type StreamAttempt } from "./stream_attempt.ts";

/** Who is told how nodes did. */
export interface StreamReportsDeps {
  readonly selector: Selector;
  readonly metrics: RelayMetrics;
  /** How long answers took; undefined where nobody wants to know. */
  readonly latencies: Latencies | undefined;
}

/** Tells those who choose and those who count how the attempts of one call went. */
export class StreamReports {
  readonly #deps: StreamReportsDeps;
  readonly #request: RelayRequest;

  constructor(deps: StreamReportsDeps, request: RelayRequest) {
    this.#deps = deps;
    this.#request = request;
  }

  /** What the head of an answer says, or the failure to give one, so many milliseconds after all had been said. */
  read(attempt: StreamAttempt, reading: StreamReading, latencyMs: number, isRequestEnded: boolean): void {
    const fault = faultOf(reading);
    if (fault !== undefined) this.#count(attempt, fault);
    const sample = sampleOfReading(reading, latencyMs);
    // While the client has not said all, an answer says little about how fast the node is.
    if (sample === undefined || (sample.kind === "answered" && !isRequestEnded)) return;
    this.#deps.selector.report(attempt.candidate, sample, attempt.api);
    const { name } = attempt.candidate.provider;
    if (sample.kind === "answered") this.#deps.latencies?.add(name, attempt.api, sample.latencyMs);
  }

  /** The trailers of an answer that had begun say that it was an error after all. */
  endedWithError(attempt: StreamAttempt): void {
    this.#count(attempt, "node_error");
  }

  /** It had its time. */
  expired(attempt: StreamAttempt): void {
    this.#count(attempt, "protocol_error");
    this.#deps.selector.report(attempt.candidate, { kind: "failed" }, attempt.api);
  }

  /** A node that was asked later has answered before it. */
  outrun(attempt: StreamAttempt, latencyMs: number): void {
    this.#deps.selector.report(attempt.candidate, { kind: "outrun", latencyMs }, attempt.api);
  }

  #count({ candidate }: StreamAttempt, fault: "node_error" | "protocol_error"): void {
    this.#deps.metrics.attemptFailed(this.#request, candidate.provider.name, fault);
  }
}

/** Whether an attempt was answered with an error of the node's own, or not at all. */
function faultOf(reading: StreamReading): "node_error" | "protocol_error" | undefined {
  if (reading.kind === "open") return undefined;
  if (reading.kind === "end") return reading.nodeError === undefined ? undefined : "node_error";
  return traitsOf(reading.error.code).fault === "upstream" ? "protocol_error" : undefined;
}
