import type { OptimizerQosEvent, RelayUsageEvent } from "../domain/usage_event.ts";
import type { UsageNumbering, UsageSink, UsageStats } from "../usage/usage_sink.ts";
import { liveRelayOf, liveScoreOf } from "./live_event.ts";
import type { LiveFeed } from "./live_feed.ts";

/** A sink whose events can be watched on a page. While nobody watches, that costs one comparison for each event. */
export class WatchedSink implements UsageSink {
  readonly #sink: UsageSink;
  readonly #feed: LiveFeed;

  constructor(sink: UsageSink, feed: LiveFeed) {
    this.#sink = sink;
    this.#feed = feed;
  }

  emit(event: RelayUsageEvent): void {
    this.#sink.emit(event);
    if (this.#feed.isWatched) this.#feed.pushRelay(liveRelayOf(event));
  }

  emitOptimizerQos(event: OptimizerQosEvent): void {
    this.#sink.emitOptimizerQos(event);
    if (this.#feed.isWatched) this.#feed.pushScore(liveScoreOf(event));
  }

  stats(): UsageStats {
    return this.#sink.stats();
  }

  numbering(): UsageNumbering | undefined {
    return this.#sink.numbering?.();
  }

  close(): Promise<UsageStats> {
    return this.#sink.close();
  }
}
