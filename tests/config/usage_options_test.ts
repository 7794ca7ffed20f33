import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { RELAY_FLAGS } from "../../src/config/flags.ts";
import { parseFlags } from "../../src/config/parse_flags.ts";
import { resolveUsageOptions } from "../../src/config/usage_options.ts";
import type { OtelUsageOptions } from "../../src/usage/create_usage_sink.ts";

type Env = Readonly<Record<string, string>>;

function resolve(args: readonly string[], env: Env, hostname: string | undefined = "box") {
  const parsed = parseFlags(["--usage-otel-enabled", ...args], RELAY_FLAGS);
  assert(parsed.kind === "flags", JSON.stringify(parsed));
  return resolveUsageOptions(parsed.values, "lava-rpcsmartrouter", { env: (name) => env[name], hostname, pid: 42 });
}

function optionsOf(args: readonly string[] = [], env: Env = {}): OtelUsageOptions {
  const result = resolve(args, env);
  assert(result.kind === "options", JSON.stringify(result));
  return result.options;
}

function mistakesOf(args: readonly string[], env: Env = {}): readonly string[] {
  const result = resolve(args, env);
  assert(result.kind === "mistakes", "was taken");
  return result.mistakes;
}

const LOGS = "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT";
const GENERAL = "OTEL_EXPORTER_OTLP_ENDPOINT";

/** Where the events go: by the flag, by the environment, the URL. */
const ENDPOINTS: readonly (readonly [readonly string[], Env, string])[] = [
  [[], {}, "http://localhost:4318/v1/logs"],
  [[], { [GENERAL]: "http://general:4318" }, "http://general:4318/v1/logs"],
  [[], { [GENERAL]: "http://general:4318/" }, "http://general:4318/v1/logs"],
  [[], { [GENERAL]: "https://general/otlp" }, "https://general/otlp/v1/logs"],
  [[], { [GENERAL]: "https://general/otlp/" }, "https://general/otlp/v1/logs"],
  [[], { [GENERAL]: "general:4318" }, "http://general:4318/v1/logs"],
  [[], { [LOGS]: "http://logs:4318/custom", [GENERAL]: "http://general" }, "http://logs:4318/custom"],
  [[], { [LOGS]: "", [GENERAL]: "http://general" }, "http://general/v1/logs"],
  [[], { [LOGS]: "", [GENERAL]: "" }, "http://localhost:4318/v1/logs"],
  [["flag:4318"], { [LOGS]: "http://logs", [GENERAL]: "http://general" }, "http://flag:4318/v1/logs"],
  [["http://flag:4318/v1/logs"], {}, "http://flag:4318/v1/logs"],
  [["https://flag/own/path"], {}, "https://flag/own/path"],
  [["https://flag/"], {}, "https://flag/v1/logs"],
  [["flag:4318/own"], {}, "http://flag:4318/own"],
  [["[::1]:4318"], {}, "http://[::1]:4318/v1/logs"],
  [["flag:4318", "--usage-otel-insecure=false"], {}, "https://flag:4318/v1/logs"],
  [["http://flag:4318", "--usage-otel-insecure=false"], {}, "http://flag:4318/v1/logs"],
  [["https://flag:4318", "--usage-otel-insecure"], {}, "https://flag:4318/v1/logs"],
  [["https://flag/own?token=x"], {}, "https://flag/own?token=x"],
];

for (const [[endpoint = "", ...more], env, expected] of ENDPOINTS) {
  Deno.test(`endpoint "${endpoint}" ${more.join(" ")} with ${JSON.stringify(env)} is ${expected}`, () => {
    assertEquals(optionsOf([`--usage-otel-endpoint=${endpoint}`, ...more], env).url, expected);
  });
}

/** A bad endpoint, by the flag or the environment; the mistake names where it stands. */
const BAD_ENDPOINTS: readonly (readonly [readonly string[], Env, string])[] = [
  [["--usage-otel-endpoint=ftp://collector"], {}, "--usage-otel-endpoint"],
  [["--usage-otel-endpoint=http://"], {}, "--usage-otel-endpoint"],
  [["--usage-otel-endpoint=collector:port"], {}, "--usage-otel-endpoint"],
  [["--usage-otel-endpoint=:4318"], {}, "--usage-otel-endpoint"],
  [["--usage-otel-endpoint=grpc://collector:4317"], {}, "--usage-otel-endpoint"],
  [[], { [LOGS]: "unix:///collector" }, LOGS],
  [[], { [GENERAL]: "ftp://collector" }, GENERAL],
];

for (const [args, env, source] of BAD_ENDPOINTS) {
  Deno.test(`bad endpoint ${args.join(" ")} ${JSON.stringify(env)} is refused by the name of its source`, () => {
    const [mistake = "", ...others] = mistakesOf(args, env);
    assertEquals(others, []);
    assertStringIncludes(mistake, source);
    assertStringIncludes(mistake, "host:port");
  });
}

Deno.test("headers come from the flag, else from the environment, percent-decoded", () => {
  const env = { OTEL_EXPORTER_OTLP_HEADERS: "authorization=Basic%20abc%3D%3D, x-tenant = acme" };
  assertEquals(optionsOf().headers, {});
  assertEquals(optionsOf([], env).headers, { "authorization": "Basic abc==", "x-tenant": "acme" });
  assertEquals(optionsOf(["--usage-otel-headers", "k=v,k2=a=b"], env).headers, { k: "v", k2: "a=b" });
});

/** Headers that can't be sent. */
for (const headers of ["K3Y", "=K3Y", "k=%K3Y", "bad name=K3Y", "k=K3Y%0Ax", "k\u00e9y=K3Y"]) {
  Deno.test(`headers ${JSON.stringify(headers)} are refused before anything runs, without their value`, () => {
    const byFlag = mistakesOf(["--usage-otel-headers", headers]).join();
    assertStringIncludes(byFlag, "--usage-otel-headers");
    const byEnv = mistakesOf([], { OTEL_EXPORTER_OTLP_HEADERS: headers }).join();
    assertStringIncludes(byEnv, "OTEL_EXPORTER_OTLP_HEADERS");
    assert(!`${byFlag}${byEnv}`.includes("K3Y"), `${byFlag}${byEnv}`);
  });
}

Deno.test("the resource is the service, its instance, and what OTEL_RESOURCE_ATTRIBUTES adds", () => {
  assertEquals(optionsOf().resource, { "service.name": "lava-rpcsmartrouter", "service.instance.id": "box-42" });
  const env = { OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=prod,team=a%2Cb,empty=" };
  assertEquals(optionsOf([], env).resource, {
    "deployment.environment": "prod",
    "team": "a,b",
    "empty": "",
    "service.name": "lava-rpcsmartrouter",
    "service.instance.id": "box-42",
  });
});

Deno.test("the flags for service name and instance id win over everything", () => {
  const env = { OTEL_RESOURCE_ATTRIBUTES: "service.name=other,service.instance.id=other" };
  const args = ["--usage-otel-service-name=mine", "--usage-otel-service-instance-id=one"];
  assertEquals(optionsOf(args, env).resource, { "service.name": "mine", "service.instance.id": "one" });
});

Deno.test("a host without a readable name is unknown", () => {
  const parsed = parseFlags([], RELAY_FLAGS);
  assert(parsed.kind === "flags");
  const facts = { env: () => undefined, hostname: undefined, pid: 42 };
  const result = resolveUsageOptions(parsed.values, "x", facts);
  assert(result.kind === "options");
  assertEquals(result.options.resource?.["service.instance.id"], "unknown-42");
});

Deno.test("numbers, durations and compression reach the sink as they were given", () => {
  const { queueSize, batchSize, flushIntervalMs, exportTimeoutMs, compression } = optionsOf([
    ...["--usage-otel-queue-size=7", "--usage-otel-batch-size=3", "--usage-otel-flush-interval=20ms"],
    ...["--usage-otel-export-timeout=2s", "--usage-otel-compression=gzip"],
  ]);
  assertEquals({ queueSize, batchSize, flushIntervalMs, exportTimeoutMs, compression }, {
    queueSize: 7,
    batchSize: 3,
    flushIntervalMs: 20,
    exportTimeoutMs: 2_000,
    compression: "gzip",
  });
});

Deno.test("all mistakes come at once", () => {
  const args = ["--usage-otel-endpoint=ftp://x", "--usage-otel-headers=none"];
  assertEquals(mistakesOf(args, { OTEL_RESOURCE_ATTRIBUTES: "none" }).length, 3);
});

Deno.test("with usage off, what the environment says about a collector is nobody's mistake", () => {
  const parsed = parseFlags([], RELAY_FLAGS);
  assert(parsed.kind === "flags");
  const env: Env = { OTEL_RESOURCE_ATTRIBUTES: "none", [GENERAL]: "unix:///run/agent.sock" };
  const facts = { env: (name: string) => env[name], hostname: "box", pid: 42 };
  assertEquals(resolveUsageOptions(parsed.values, "x", facts).kind, "options");
});
