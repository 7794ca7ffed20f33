import type { Clock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";
import type { StreamCall } from "../domain/stream_call.ts";
import type { StreamEvents, WireStream } from "../domain/wire_stream.ts";
import type { Selector } from "../providers/selector.ts";
import type { StreamTransport } from "../providers/stream_transport.ts";
import type { Meter, Refusal } from "./meter.ts";
import { Latencies } from "./latencies.ts";
import { noMetrics, type RelayMetrics } from "./relay_metrics.ts";
import { RelayedStream, type RelayedStreamOptions } from "./relayed_stream.ts";
import { CopyBudget } from "./request_copy.ts";

/** What the relay of streams works with. */
export interface StreamRelayDeps {
  readonly selector: Selector;
  readonly transport: StreamTransport;
  readonly meter: Meter;
  /** Default: nobody counts. */
  readonly metrics?: RelayMetrics | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** Options, resolved. */
export interface StreamRelayOptions extends RelayedStreamOptions {
  /** Bytes that all requests together keep for being made again. */
  readonly maxCopyTotalBytes: number;
}

/** Relays calls whose messages pass through as they come, and writes the bill when they end. */
export class StreamRelay {
  readonly #deps: StreamRelayDeps;
  readonly #options: StreamRelayOptions;
  readonly #open = new Set<RelayedStream>();
  readonly #budget: CopyBudget;
  readonly #latencies: Latencies | undefined;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(deps: StreamRelayDeps, options: StreamRelayOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#budget = new CopyBudget(options.maxCopyTotalBytes);
    this.#latencies = options.hedgeQuantile > 0 ? new Latencies() : undefined;
  }

  /** Why a call's budget does not allow it; to be asked before the call is relayed. */
  admit({ request, isMetered }: StreamCall): Refusal | undefined {
    return isMetered ? this.#deps.meter.admit(request) : undefined;
  }

  /**
   * Relays one call of a client; what comes back hears of the client's stream from then on. Its event is with the sink
   * when it ends, whoever ends it.
   */
  run(call: StreamCall, client: WireStream, isComplete: boolean): StreamEvents {
    const { selector, transport, clock, log, metrics = noMetrics } = this.#deps;
    const stream = new RelayedStream(
      {
        selector,
        transport,
        clock,
        log,
        metrics,
        latencies: this.#latencies,
        budget: this.#budget,
        onOutcome: (ended, outcome) => {
          this.#open.delete(ended);
          if (call.isMetered) this.#deps.meter.record(call.request, outcome);
          if (this.#open.size === 0) this.#idle?.resolve();
        },
      },
      this.#options,
      call,
      client,
    );
    this.#open.add(stream);
    stream.start(isComplete);
    return stream;
  }

  /** Calls under way. */
  get inFlight(): number {
    return this.#open.size;
  }

  /** Settles when no call is under way. */
  async idle(): Promise<void> {
    if (this.#open.size === 0) return;
    this.#idle ??= Promise.withResolvers<void>();
    await this.#idle.promise;
  }

  /** Ends the calls that are under way, and records each. */
  interrupt(): void {
    for (const stream of [...this.#open]) stream.interrupt();
  }
}
