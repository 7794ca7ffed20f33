/** What one event costs its caller: building it and handing it over, against the SDK's own logger. */
import { SeverityNumber } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider, type LogRecordExporter } from "@opentelemetry/sdk-logs";
import { silentLog, systemClock } from "../../mod.ts";
import { LiveFeed } from "../../src/ui/live_feed.ts";
import { WatchedSink } from "../../src/ui/watched_sink.ts";
import { UsageLogRecord, UsageResource } from "../../src/usage/log_record.ts";
import type { EncodedExporter } from "../../src/usage/log_exporter.ts";
import { jsonEncoding } from "../../src/usage/otlp/encode_json.ts";
import { protobufEncoding } from "../../src/usage/otlp/encode_protobuf.ts";
import type { OtlpEncoding } from "../../src/usage/otlp/encoding.ts";
import { OtelUsageSink } from "../../src/usage/otel_usage_sink.ts";
import { eventOf } from "./event.ts";
import { NoopUsageSink, type UsageSink } from "../../src/usage/usage_sink.ts";

/** A collector that takes everything at once, so that what is measured is the emitting side alone. */
const exporter: LogRecordExporter = {
  export: (_records, done) => done({ code: 0 }),
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
};
const QUEUE = {
  batchSize: 1_000,
  flushIntervalMs: 500,
  maxBatchesInFlight: 4,
  exporterTimeoutMs: 10_000,
  drainTimeoutMs: 10_000,
  eventIdPrefix: "",
};
const resource = new UsageResource({ "service.name": "bench" });
const deps = { exporter, resource, clock: systemClock, log: silentLog };
/** The same for events that are encoded as they come. */
const encodedExporter: EncodedExporter = {
  exportEncoded: ({ records: { ends } }) => Promise.resolve({ exported: ends.length, rejected: 0, isDone: true }),
};
const encodedDeps = (encoding: OtlpEncoding) => ({
  ...deps,
  encoded: { exporter: encodedExporter, encoding, retryBudgetMs: 10_000 },
});

let turn = 0;
const buildEvent = () => eventOf(turn = (turn + 1) & 0xffff);
let kept: unknown;

/** A thousand calls, and a turn of the event loop, in which batches leave: else a full queue would be measured. */
function benchThousand(name: string, call: () => void, options: { readonly baseline?: boolean } = {}): void {
  Deno.bench(`1,000 times: ${name}`, { group: "emit", ...options }, async () => {
    for (let left = 1_000; left > 0; left--) call();
    await new Promise<void>((resolve) => void systemClock.schedule(0, resolve));
  });
}

benchThousand("an empty call", () => {
  kept = undefined;
});

const noop: UsageSink = new NoopUsageSink();
const event = buildEvent();
benchThousand("noop sink: emit", () => noop.emit(event));

benchThousand("build the event", () => {
  kept = buildEvent();
});

const sinkOf = (encoding: OtlpEncoding, different = {}): UsageSink =>
  new OtelUsageSink(encodedDeps(encoding), { ...QUEUE, queueSize: 50_000, ...different });

const otel = sinkOf(protobufEncoding);
benchThousand("otel sink: build the event, emit and encode it", () => otel.emit(buildEvent()));

const extended = sinkOf(protobufEncoding, { eventIdPrefix: "host-1/boot/" });
benchThousand("the same, extended", () => extended.emit(buildEvent()));

const MANY = Array.from({ length: 2_100 }, (_, turn) => ({
  ...eventOf(turn),
  project: `project-${turn % 100}`,
  apiMethod: `eth_method${turn % 7}`,
  provider: `node-${turn % 3}`,
}));
const many = sinkOf(protobufEncoding);
benchThousand("the same, 2,100 kinds of events in turns", () => many.emit(MANY[turn = (turn + 1) % MANY.length]!));

const json = sinkOf(jsonEncoding);
benchThousand("the same, in JSON", () => json.emit(buildEvent()));

const other: UsageSink = new OtelUsageSink(deps, { ...QUEUE, queueSize: 50_000 });
benchThousand("another exporter: build the event and emit", () => other.emit(buildEvent()));

const watched: UsageSink = new WatchedSink(sinkOf(protobufEncoding), new LiveFeed({ clock: systemClock }));
benchThousand("otel sink with a usage page that nobody looks at", () => watched.emit(buildEvent()));

const full = sinkOf(protobufEncoding, { queueSize: 1, batchSize: 2, flushIntervalMs: 3_600_000 });
full.emit(event);
benchThousand("otel sink, full: build the event and emit", () => full.emit(buildEvent()));

const processor = new BatchLogRecordProcessor({ exporter, maxQueueSize: 50_000, maxExportBatchSize: 1_000 });
const logger = new LoggerProvider({
  resource: resourceFromAttributes(resource.attributes),
  processors: [processor],
}).getLogger("bench");
benchThousand("OpenTelemetry SDK: logger.emit", () => {
  const relayed = buildEvent();
  logger.emit({
    timestamp: relayed.timeUnixMs,
    severityNumber: SeverityNumber.INFO,
    body: relayed.kind,
    eventName: relayed.kind,
    attributes: new UsageLogRecord(relayed, "", resource, 0).attributes,
  });
}, { baseline: true });

if (kept === turn) throw new Error("unreachable: keeps the engine from dropping what is built");
