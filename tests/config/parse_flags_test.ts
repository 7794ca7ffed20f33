import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { RELAY_FLAGS, type RelayFlags } from "../../src/config/flags.ts";
import { describeFlags } from "../../src/config/help.ts";
import { parseFlags } from "../../src/config/parse_flags.ts";

function valuesOf(...args: readonly string[]): RelayFlags {
  const parsed = parseFlags(args, RELAY_FLAGS);
  assert(parsed.kind === "flags" && parsed.mistakes.length === 0, JSON.stringify(parsed));
  return parsed.values;
}

function mistakesOf(...args: readonly string[]): readonly string[] {
  const parsed = parseFlags(args, RELAY_FLAGS);
  assert(parsed.kind === "flags" && parsed.mistakes.length > 0, JSON.stringify(parsed));
  return parsed.mistakes;
}

Deno.test("without arguments every flag has its documented default", () => {
  assertEquals(valuesOf(), {
    "upstream": [],
    "use-static-spec": [],
    "github-token": "",
    "gitlab-token": "",
    "log-level": "info",
    "processes": 1,
    "reuse-port": false,
    "process-slot": 0,
    "shutdown-delay": 0,
    "shutdown-grace": 30_000,
    "set-relay-retry-limit": 2,
    "disable-batch-request-retry": true,
    "batch-node-error-on-any": false,
    "max-batch-request-size": 1_000,
    "min-relay-timeout": 1_000,
    "default-processing-timeout": 30_000,
    "max-request-body-bytes": 10 * 1024 * 1024,
    "request-body-timeout": 10_000,
    "max-response-body-bytes": 100 * 1024 * 1024,
    "upstream-transport": "auto",
    "grpc-max-message-bytes": 33_554_432,
    "grpc-connect-timeout": 30_000,
    "grpc-allow-insecure": false,
    "grpc-http2": "frames",
    "debug-relays": false,
    "enable-selection-stats": false,
    "strategy": "balanced",
    "provider-optimizer-availability-weight": 0.3,
    "provider-optimizer-latency-weight": 0.3,
    "provider-optimizer-sync-weight": 0.2,
    "provider-optimizer-stake-weight": 0.2,
    "provider-optimizer-min-selection-chance": 0.01,
    "probe-update-weight": 0.25,
    "relays-health-enable": true,
    "relays-health-interval": 300_000,
    "geolocation": 0,
    "epoch-duration": 900_000,
    "optimizer-qos-listen": false,
    "optimizer-qos-sampling-interval": 1_000,
    "hedge-quantile": 0,
    "cache": false,
    "cache-redis-url": "",
    "cache-max-bytes": 268_435_456,
    "admin-listen-address": "disabled",
    "admin-token": "",
    "metrics-listen-address": "disabled",
    "ui": "disabled",
    "ui-host": [],
    "subscription-delivery-cu": 10,
    "websocket-max-subscriptions-per-client": 25,
    "websocket-max-subscriptions": 5_000,
    "websocket-subscribes-per-minute": 10,
    "websocket-unsubscribes-per-minute": 20,
    "websocket-max-message-bytes": 1_048_576,
    "websocket-max-buffered-bytes": 4_194_304,
    "websocket-max-buffered-bytes-in-all": 268_435_456,
    "websocket-max-connections": 10_000,
    "websocket-max-parallel-requests": 100,
    "rate-limit-websocket-requests-per-connection": -1,
    "ban-duration-for-websocket-rate-limit-exceeded": 0,
    "limit-parallel-websocket-connections-per-ip": 0,
    "limit-websocket-connection-idle-time": 1_200_000,
    "upstream-websocket-connections": 10,
    "upstream-websocket-subscriptions": 100,
    "upstream-websocket-timeout": 10_000,
    "upstream-websocket-silence": 15_000,
    "subscription-gap-fill": false,
    "subscription-gap-fill-max-blocks": 128,
    "upstream-websocket-max-message-bytes": 67_108_864,
    "http-server": "deno",
    "http-header-timeout": 10_000,
    "http-idle-timeout": 60_000,
    "http-max-connections": 10_000,
    "cors-origin": "*",
    "cors-headers": "",
    "cors-methods": "GET,POST,PUT,DELETE,OPTIONS",
    "cors-credentials": true,
    "response-compression": "gzip",
    "response-compression-min-bytes": 4_096,
    "trusted-proxy": [],
    "usage-otel-enabled": false,
    "usage-otel-endpoint": "",
    "usage-otel-insecure": true,
    "usage-otel-queue-size": 50_000,
    "usage-otel-batch-size": 1_000,
    "usage-otel-flush-interval": 500,
    "usage-otel-export-timeout": 10_000,
    "usage-otel-service-name": "",
    "usage-otel-service-instance-id": "",
    "usage-otel-headers": "",
    "usage-otel-compression": "none",
    "usage-otel-protocol": "",
    "usage-otel-exporter": "otlp",
    "usage-otel-max-batches-in-flight": 4,
    "usage-otel-retry-budget": 300_000,
    "usage-otel-extended": false,
    "usage-receipts": false,
    "usage-store": "",
    "usage-store-max-age": 7_776_000_000,
    "usage-store-max-qos-age": 604_800_000,
    "usage-store-max-bytes": 10_737_418_240,
    "usage-spool-dir": "",
    "usage-spool-max-bytes": 1024 ** 3,
    "usage-spool-sync-interval": 100,
  });
});

Deno.test("the help's default of each flag is the one that is used", () => {
  const help = describeFlags(RELAY_FLAGS);
  for (const [name, flag] of Object.entries(RELAY_FLAGS)) {
    const shown = new RegExp(`^  --${name}(?: .*)?\n.*\\(default (.*)\\)$`, "m").exec(help)?.[1];
    assert(shown !== undefined, `--${name} is not in the help`);
    if (shown !== "empty") assertEquals(flag.parse(shown), flag.initial, name);
    else assert(flag.initial === "" || (Array.isArray(flag.initial) && flag.initial.length === 0), name);
  }
});

/** Arguments, and the flags that they set. */
const GOOD: readonly (readonly [readonly string[], Partial<RelayFlags>])[] = [
  [["--log-level", "debug"], { "log-level": "debug" }],
  [["--log-level=debug", "--log-level=warn"], { "log-level": "warn" }],
  [["--upstream", "http://a", "--upstream=http://b?x=1&y=2"], { "upstream": ["http://a", "http://b?x=1&y=2"] }],
  [["--usage-otel-enabled"], { "usage-otel-enabled": true }],
  [["--usage-otel-enabled=true"], { "usage-otel-enabled": true }],
  [["--usage-otel-enabled", "--usage-otel-enabled=false"], { "usage-otel-enabled": false }],
  [["--usage-otel-insecure=false"], { "usage-otel-insecure": false }],
  [["--disable-batch-request-retry=false"], { "disable-batch-request-retry": false }],
  [["--usage-otel-flush-interval", "1m30s"], { "usage-otel-flush-interval": 90_000 }],
  [["--usage-otel-flush-interval=1.5s"], { "usage-otel-flush-interval": 1_500 }],
  [["--shutdown-grace", "0"], { "shutdown-grace": 0 }],
  [["--usage-otel-headers", "a=b=c,d=e"], { "usage-otel-headers": "a=b=c,d=e" }],
  [["--usage-otel-service-name=--odd"], { "usage-otel-service-name": "--odd" }],
  [["--max-batch-request-size", "0"], { "max-batch-request-size": 0 }],
];

for (const [args, expected] of GOOD) {
  Deno.test(`${args.join(" ")} sets that and nothing else`, () => {
    assertEquals(valuesOf(...args), { ...valuesOf(), ...expected });
  });
}

Deno.test("positional arguments keep their order and their text", () => {
  const parsed = parseFlags(["0x10", "--log-level", "debug", "ETH1", "1.0", "--", "--odd"], RELAY_FLAGS);
  assert(parsed.kind === "flags", JSON.stringify(parsed));
  assertEquals([...parsed.positionals], ["0x10", "ETH1", "1.0", "--odd"]);
});

/** Arguments, and the words of the mistake that they make: the flag, the value, what is allowed. */
const BAD: readonly (readonly [readonly string[], readonly string[]])[] = [
  [["--log-level", "verbose"], ["--log-level", '"verbose"', "debug, info, warn, error"]],
  [["--log-level=Debug"], ["--log-level", '"Debug"', "debug"]],
  [["--log-level"], ["--log-level"]],
  [["--upstream"], ["--upstream"]],
  [["--set-relay-retry-limit", "11"], ["--set-relay-retry-limit", '"11"', "0 to 10"]],
  [["--set-relay-retry-limit", "-1"], ["--set-relay-retry-limit", "0 to 10"]],
  [["--set-relay-retry-limit", "1e1"], ["--set-relay-retry-limit", '"1e1"']],
  [["--set-relay-retry-limit", "0x1"], ["--set-relay-retry-limit", '"0x1"']],
  [["--set-relay-retry-limit="], ["--set-relay-retry-limit", '""']],
  [["--usage-otel-queue-size", "0"], ["--usage-otel-queue-size", '"0"', "from 1"]],
  [["--usage-otel-batch-size", "1.5"], ["--usage-otel-batch-size", '"1.5"']],
  [["--usage-otel-flush-interval", "500"], ["--usage-otel-flush-interval", '"500"', "500ms"]],
  [["--usage-otel-flush-interval", "0s"], ["--usage-otel-flush-interval", '"0s"', "from 1ms"]],
  [["--usage-otel-export-timeout", "1 s"], ["--usage-otel-export-timeout", '"1 s"', "10s"]],
  [["--usage-otel-export-timeout=-1s"], ["--usage-otel-export-timeout", '"-1s"']],
  [["--usage-otel-compression", "zstd"], ["--usage-otel-compression", '"zstd"', "gzip"]],
  [["--usage-otel-enabled=yes"], ["--usage-otel-enabled", '"yes"', "true or false"]],
  [["--usage-otel-enable"], ['"--usage-otel-enable"', "did you mean --usage-otel-enabled?"]],
  [["--usage-otel-endpont=x"], ['"--usage-otel-endpont"', "did you mean --usage-otel-endpoint?"]],
  [["--hedge=0.9"], ['"--hedge"', "did you mean --hedge-quantile?"]],
  [["--upstream.x=y"], ['"--upstream.x"']],
  [["--frobnicate"], ['"--frobnicate"', "--help"]],
  [["-v"], ['"-v"']],
  [["--constructor=x"], ['"--constructor"']],
  [["--toString"], ['"--toString"']],
  [["--__proto__=x"], ['"--__proto__"']],
];

for (const [args, words] of BAD) {
  Deno.test(`${args.join(" ")} is refused by name, value and remedy`, () => {
    const mistakes = mistakesOf(...args);
    assertEquals(mistakes.length, 1, mistakes.join("\n"));
    for (const word of words) assertStringIncludes(mistakes[0]!, word);
  });
}

Deno.test("all mistakes of a command line come at once", () => {
  const mistakes = mistakesOf("--bogus", "--log-level=x", "--usage-otel-queue-size", "many", "--upstrem", "y").join(
    "\n",
  );
  for (const word of ["--bogus", "--log-level", "--usage-otel-queue-size", "--upstrem"]) {
    assertStringIncludes(mistakes, word);
  }
});

Deno.test("a value behind an unknown flag is not shown, as it may be a URL with a key", () => {
  for (const args of [["--upstrem=https://node.example/K3Y"], ["--upstrem", "https://node.example/K3Y"]]) {
    assert(!mistakesOf(...args).join().includes("K3Y"));
  }
});

Deno.test("a negated switch is refused, not ignored", () => {
  assertStringIncludes(mistakesOf("--no-usage-otel-insecure").join(), '"--no-usage-otel-insecure"');
});

Deno.test("--help is for help, wherever it stands and whatever else is wrong", () => {
  for (const args of [["--help"], ["c.yml", "--help"], ["--log-level=x", "--help"]]) {
    assertEquals(parseFlags(args, RELAY_FLAGS).kind, "help");
  }
});

Deno.test("what stands behind -- is no flag", () => {
  const parsed = parseFlags(["--", "--log-level", "--help"], RELAY_FLAGS);
  assert(parsed.kind === "flags", JSON.stringify(parsed));
  assertEquals([...parsed.positionals], ["--log-level", "--help"]);
});
