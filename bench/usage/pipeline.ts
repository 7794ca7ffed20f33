/**
 * What one exported record costs the process: from `emit` to the collector's acknowledgement, CPU of all threads
 * included, for the relay's pipeline and for OpenTelemetry's own.
 *
 *     deno run -A bench/usage/pipeline.ts
 */
import process from "node:process";
import { SeverityNumber } from "@opentelemetry/api";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import { type OtelUsageOptions, type RelayUsageEvent, systemClock } from "../../mod.ts";
import { denoConnect } from "../../src/transports/http1/deno_connect.ts";
import { PostClient } from "../../src/transports/http1/post_client.ts";
import { openUsageSink } from "../../src/usage/create_usage_sink.ts";
import { UsageLogRecord, UsageResource } from "../../src/usage/log_record.ts";
import { postByFetch } from "../../src/usage/post_by_fetch.ts";
import { eventOf } from "./event.ts";

/** Something that takes events and exports them. */
interface Pipeline {
  emit(event: RelayUsageEvent): void;
  close(): Promise<unknown>;
}

const RESOURCE = { "service.name": "bench", "service.instance.id": "bench-1" };
const BATCH = { batchSize: 1_000, flushIntervalMs: 500, queueSize: 100_000 };
const ROUNDS = 3;
/** Before anything is measured, so that compiling is not; then for CPU; then for delays. */
const WARM_UP_SECONDS = 4;
const CPU_SECONDS = 8;
const DELAY_SECONDS = 3;

async function createPipeline(name: string, url: string): Promise<Pipeline> {
  if (name === "nothing") return { emit() {}, close: () => Promise.resolve() };
  if (name === "sdk") return createSdkPipeline(url);
  const options: Record<string, OtelUsageOptions> = {
    "json": { protocol: "http/json" },
    "protobuf": { protocol: "http/protobuf" },
    "protobuf, by fetch": { protocol: "http/protobuf" },
    "protobuf, spool": { protocol: "http/protobuf", extended: true, spool: { directory: await Deno.makeTempDir() } },
  };
  const byFetch = postByFetch(fetch);
  // As the program does.
  const own = new PostClient({ connect: denoConnect, clock: systemClock, fallback: byFetch });
  const post = name.endsWith("by fetch") ? byFetch : own.post;
  const sink = await openUsageSink({ url, ...BATCH, resource: RESOURCE, ...options[name] }, post);
  return {
    emit: (event) => sink.emit(event),
    async close() {
      await sink.close();
      own.close();
    },
  };
}

function createSdkPipeline(url: string): Pipeline {
  const resource = new UsageResource(RESOURCE);
  const provider = new LoggerProvider({
    resource: resourceFromAttributes(RESOURCE),
    processors: [
      new BatchLogRecordProcessor({
        exporter: new OTLPLogExporter({ url }),
        maxQueueSize: BATCH.queueSize,
        maxExportBatchSize: BATCH.batchSize,
        scheduledDelayMillis: BATCH.flushIntervalMs,
      }),
    ],
  });
  const logger = provider.getLogger("bench");
  return {
    emit(event) {
      const { attributes } = new UsageLogRecord(event, "", resource, 0);
      const { timeUnixMs: timestamp, kind: body } = event;
      logger.emit({ timestamp, severityNumber: SeverityNumber.INFO, body, eventName: body, attributes });
    },
    close: () => provider.shutdown(),
  };
}

/** Emits at a steady rate from a timer; comes back with the CPU in microseconds for each record, and timers' delays. */
async function load(pipeline: Pipeline, perSecond: number, seconds: number): Promise<{ cpuUs: number; p99Ms: number }> {
  const tickMs = 5;
  const perTick = perSecond * tickMs / 1000;
  const delaysMs: number[] = [];
  const cpuBefore = process.cpuUsage();
  let emitted = 0;
  const endMs = performance.now() + seconds * 1000;
  for (let dueMs = performance.now(); dueMs < endMs;) {
    for (let i = 0; i < perTick; i++) pipeline.emit(eventOf(emitted++));
    dueMs = performance.now() + tickMs;
    await new Promise((resolve) => setTimeout(resolve, tickMs));
    delaysMs.push(Math.max(0, performance.now() - dueMs));
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    cpuUs: (user + system) / emitted,
    p99Ms: delaysMs.toSorted((a, b) => a - b)[Math.floor(delaysMs.length * 0.99)]!,
  };
}

/** Resident memory that 50,000 waiting events take, in MiB. */
async function memoryOf(name: string): Promise<number> {
  const hole = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const pipeline = await createPipeline(name, `http://127.0.0.1:${hole.addr.port}/v1/logs`);
  const before = Deno.memoryUsage().rss;
  for (let turn = 0; turn < 50_000; turn++) pipeline.emit(eventOf(turn));
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  return (Deno.memoryUsage().rss - before) / 2 ** 20;
}

async function child(...args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL(import.meta.url).pathname, ...args],
    stderr: "inherit",
  }).output();
  return new TextDecoder().decode(stdout);
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

async function compare(): Promise<void> {
  // The collector is a process of its own, so that its work is not counted.
  const collector = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL(import.meta.url).pathname, "collector"],
    stdout: "piped",
  }).spawn();
  const reader = collector.stdout.getReader();
  const url = new TextDecoder().decode((await reader.read()).value).trim();
  const names = ["nothing", "sdk", "json", "protobuf", "protobuf, by fetch", "protobuf, spool"];
  const results = new Map(names.map((name) => [name, { cpuUs: [] as number[], p99Ms: [] as number[] }]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, { cpuUs, p99Ms }] of results) {
      const measured = JSON.parse(await child("load", name, url));
      cpuUs.push(measured.cpuUs);
      p99Ms.push(measured.p99Ms);
    }
  }
  collector.kill("SIGKILL");
  await reader.cancel();
  await collector.status;

  const idleUs = medianOf(results.get("nothing")!.cpuUs);
  const sdkUs = medianOf(results.get("sdk")!.cpuUs) - idleUs;
  for (const [name, { cpuUs, p99Ms }] of results) {
    const us = medianOf(cpuUs) - idleUs;
    const memory = name === "nothing" ? 0 : JSON.parse(await child("memory", name)).mib;
    const row = {
      us: us.toFixed(2),
      share: (us / sdkUs).toFixed(2),
      p99Ms: medianOf(p99Ms).toFixed(2),
      mib: Math.round(memory),
    };
    say(`${name.padEnd(20)} ${JSON.stringify(row)}`);
  }
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

const [mode = "compare", name = "", url = ""] = Deno.args;
switch (mode) {
  case "compare":
    await compare();
    break;
  case "collector":
    Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: ({ port }) => say(`http://127.0.0.1:${port}/v1/logs`) },
      async (request) => {
        await request.arrayBuffer();
        return Response.json({});
      },
    );
    break;
  case "load": {
    const pipeline = await createPipeline(name, url);
    await load(pipeline, 10_000, WARM_UP_SECONDS);
    const { cpuUs } = await load(pipeline, 10_000, CPU_SECONDS);
    const { p99Ms } = await load(pipeline, 20_000, DELAY_SECONDS);
    await pipeline.close();
    say(JSON.stringify({ cpuUs, p99Ms }));
    break;
  }
  case "memory":
    say(JSON.stringify({ mib: await memoryOf(name) }));
    Deno.exit(0);
}
