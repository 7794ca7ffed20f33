import { assert, assertEquals } from "@std/assert";
import { createCache } from "../../src/cli/create_cache.ts";
import { retentionOf } from "../../src/cli/create_usage_sink.ts";
import { RELAY_FLAGS, type RelayFlags } from "../../src/config/flags.ts";
import { parseFlags } from "../../src/config/parse_flags.ts";
import { resolveUsageOptions } from "../../src/config/usage_options.ts";
import { silentLog } from "../../src/domain/log.ts";
import type { OtelUsageOptions } from "../../src/usage/create_usage_sink.ts";

function flagsOf(...args: readonly string[]): RelayFlags {
  const parsed = parseFlags(args, RELAY_FLAGS);
  if (parsed.kind !== "flags" || parsed.mistakes.length > 0) throw new Error(JSON.stringify(parsed));
  return parsed.values;
}

function optionsOf(...args: readonly string[]): OtelUsageOptions {
  const facts = { env: () => undefined, hostname: "box", pid: 42 };
  const resolved = resolveUsageOptions(flagsOf("--usage-otel-enabled", ...args), "lava-rpcsmartrouter", facts);
  if (resolved.kind === "mistakes") throw new Error(resolved.mistakes.join("\n"));
  return resolved.options;
}

const SPOOL = { directory: "d", maxBytes: 1_073_741_824, syncIntervalMs: 100, hostname: "box" };
const RESOURCE = { "service.name": "lava-rpcsmartrouter", "service.instance.id": "box-42" };

/** Flags, and what they change of the sink's options. */
const FLAGS: readonly (readonly [string, Partial<OtelUsageOptions>])[] = [
  ["--usage-otel-endpoint=collector:7", { url: "http://collector:7/v1/logs" }],
  ["--usage-otel-insecure=false", { url: "https://localhost:4318/v1/logs" }],
  ["--usage-otel-headers=a=b", { headers: { a: "b" } }],
  ["--usage-otel-protocol=http/json", { protocol: "http/json" }],
  ["--usage-otel-compression=gzip", { compression: "gzip" }],
  ["--usage-otel-exporter=sdk", { exporter: "sdk", protocol: "http/json" }],
  ["--usage-otel-extended", { extended: true }],
  ["--usage-otel-queue-size=7", { queueSize: 7 }],
  ["--usage-otel-batch-size=7", { batchSize: 7 }],
  ["--usage-otel-flush-interval=7ms", { flushIntervalMs: 7 }],
  ["--usage-otel-export-timeout=7ms", { exportTimeoutMs: 7 }],
  ["--usage-otel-retry-budget=7ms", { retryBudgetMs: 7 }],
  ["--usage-otel-max-batches-in-flight=7", { maxBatchesInFlight: 7 }],
  ["--usage-spool-dir=d", { spool: SPOOL }],
  ["--usage-spool-dir=d --usage-spool-max-bytes=2000000", { spool: { ...SPOOL, maxBytes: 2_000_000 } }],
  ["--usage-spool-dir=d --usage-spool-sync-interval=7ms", { spool: { ...SPOOL, syncIntervalMs: 7 } }],
  ["--usage-otel-service-name=mine", { resource: { ...RESOURCE, "service.name": "mine" } }],
  ["--usage-otel-service-instance-id=mine", { resource: { ...RESOURCE, "service.instance.id": "mine" } }],
];

for (const [args, changes] of FLAGS) {
  Deno.test(`${args} changes that of the sink's options, and nothing else`, () => {
    assertEquals(optionsOf(...args.split(" ")), { ...optionsOf(), ...changes });
  });
}

Deno.test("every option that the command line gives the sink has its flag in this table", () => {
  const changed = FLAGS.flatMap(([, changes]) => Object.keys(changes));
  assertEquals(new Set(changed), new Set(Object.keys({ ...optionsOf(), spool: SPOOL })));
});

Deno.test("the flags of the store's retention are those that it keeps to", () => {
  const flags = ["--usage-store-max-age=7s", "--usage-store-max-qos-age=8s", "--usage-store-max-bytes=2000000"];
  assertEquals(retentionOf(flagsOf(...flags)), {
    maxAgeMs: { relay_usage: 7_000, optimizer_qos: 8_000 },
    maxBytes: 2_000_000,
  });
});

Deno.test("--cache-max-bytes is as much as the cache in memory holds", async () => {
  assertEquals(await createCache(flagsOf(), silentLog), undefined);
  const kept = async (...args: readonly string[]) => {
    const cache = await createCache(flagsOf("--cache", ...args), silentLog);
    assert(cache !== undefined);
    const reply = { status: 200, headers: [], body: new Uint8Array(100_000), trailers: [], retryAfterMs: 0 };
    const keys = Array.from({ length: 20 }, (_, index) => `key-${index}`);
    for (const key of keys) cache.set(key, { reply, head: 0 }, 60_000);
    const entries = await Promise.all(keys.map((key) => cache.get(key)));
    return entries.filter((entry) => entry !== undefined).length;
  };
  assertEquals(await kept(), 20);
  const few = await kept("--cache-max-bytes=1048576");
  assert(few > 0 && few <= 10, `${few} of 100 kB in 1 MiB`);
});
