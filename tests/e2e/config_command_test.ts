import { parse } from "yaml";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { configJsonSchema } from "../../src/config/json_schema.ts";
import { RELAY_FLAGS } from "../../src/config/flags.ts";
import { runCli, runCliWith } from "../support/relay_process.ts";

const FILE = `metrics-listen-address: ":7779"
cache: \${CACHE}
cache-redis-url: redis://:K3Y@127.0.0.1:6379/0
endpoints:
  - chain-id: ETH1
    api-interface: jsonrpc
    network-address: "127.0.0.1:\${PORT}"
direct-rpc:
  - name: hosted
    chain-id: ETH1
    api-interface: jsonrpc
    node-urls:
      - url: https://user:K3Y@node.example/v2/K3Y
        addons: [archive, debug]
        auth-config: { auth-headers: { x-api-key: "\${API_KEY}", other: K3Y }, auth-query: k=K3Y }
projects:
  - { id: acme, units-per-second: 5 }
log-level: warn
max-batch-request-size: 7
`;
const ENV = {
  CACHE: "true",
  PORT: "3333",
  API_KEY: "K3Y-of-the-environment",
  RELAYMETER_MAX_BATCH_REQUEST_SIZE: "8",
  RELAYMETER_GITHUB_TOKEN: "K3Y",
  OTEL_EXPORTER_OTLP_ENDPOINT: "http://user:K3Y@collector:4318",
  OTEL_EXPORTER_OTLP_HEADERS: "authorization=K3Y",
};
const ARGS = ["--usage-otel-enabled", "--max-batch-request-size=9", "--shutdown-grace", "1m30s"];

async function inFolder(
  files: Readonly<Record<string, string>>,
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${folder}/${name}`, text);
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Lines that the resolved configuration has. */
const LINES = [
  "  - chain-id: ETH1 # relay.yml:5",
  '    network-address: "127.0.0.1:${PORT}" # relay.yml:7',
  "    health-check-path: /lava/health # default",
  "  - name: hosted # relay.yml:9",
  "      - url: https://***@node.example/*** # relay.yml:13",
  "        addons: [archive, debug] # relay.yml:14",
  '            x-api-key: "***" # relay.yml:15',
  '            other: "***" # relay.yml:15',
  '          auth-query: "***" # relay.yml:15',
  "        timeout: 0s # default",
  "    units-per-second: 5 # relay.yml:17",
  'github-token: "***" # env RELAYMETER_GITHUB_TOKEN',
  "log-level: warn # relay.yml:18",
  "shutdown-grace: 1m30s # flag --shutdown-grace",
  "max-batch-request-size: 9 # flag --max-batch-request-size",
  'cache: "${CACHE}" # relay.yml:2',
  "cache-redis-url: redis://***@127.0.0.1:6379/0 # relay.yml:3",
  "metrics-listen-address: :7779 # relay.yml:1",
  "usage-otel-enabled: true # flag --usage-otel-enabled",
  "usage-otel-endpoint: http://***@collector:4318 # env OTEL_EXPORTER_OTLP_ENDPOINT",
  "usage-otel-headers: authorization=*** # env OTEL_EXPORTER_OTLP_HEADERS",
  "usage-otel-queue-size: 50000 # default",
];

Deno.test("config print shows every value with its source, without keys, as a file that could be read again", async () => {
  await inFolder({ "relay.yml": FILE }, async (folder) => {
    const { code, out, err } = await runCliWith(["config", "print", "relay.yml", ...ARGS], ENV, folder);
    assertEquals([code, err], [0, ""]);
    const lines = out.split("\n");
    for (const line of LINES) assert(lines.includes(line), `${line} is not in\n${out}`);
    assert(!out.includes("K3Y"), out);
    for (const name of Object.keys(RELAY_FLAGS).filter((name) => name !== "upstream")) {
      assert(lines.some((line) => line.startsWith(`${name}: `)), name);
    }
    await Deno.writeTextFile(`${folder}/printed.yml`, out);
    const { CACHE, PORT } = ENV;
    const again = await runCliWith(["config", "print", "printed.yml"], { CACHE, PORT }, folder);
    assertEquals(again.code, 0, again.err);
    const { "github-token": _token, ...printed } = parse(out);
    const { "github-token": _again, ...readAgain } = parse(again.out);
    assertEquals(readAgain, printed);
  });
});

Deno.test("config print --format json has the values, and their sources by their paths", async () => {
  await inFolder({ "relay.yml": FILE }, async (folder) => {
    const args = ["config", "print", "relay.yml", ...ARGS, "--format", "json"];
    const { code, out, err } = await runCliWith(args, ENV, folder);
    assertEquals([code, err], [0, ""]);
    assert(!out.includes("K3Y"), out);
    const { config, sources } = JSON.parse(out);
    const [provider] = config["static-providers"];
    assertEquals([provider.name, provider["node-urls"][0].addons], ["hosted", ["archive", "debug"]]);
    assertEquals(config["max-batch-request-size"], 9);
    assertEquals(sources["max-batch-request-size"], "flag --max-batch-request-size");
    assertEquals(sources["static-providers[0].node-urls[0].url"], "relay.yml:13");
    assertEquals(sources["endpoints[0].tls-enabled"], "default");
  });
});

Deno.test("config print takes the arguments that the relay takes", async () => {
  const { code, out } = await runCli("config", "print", "[::1]:0", "ETH1", "jsonrpc", "--upstream=https://u:K3Y@a/K3Y");
  assertEquals(code, 0);
  assertStringIncludes(out, "  - chain-id: ETH1 # argument\n    api-interface: jsonrpc # argument\n");
  assertStringIncludes(out, "- url: https://***@a/*** # flag --upstream\n");
  assert(!out.includes("K3Y"), out);
});

Deno.test("config print has nothing to print of what can't be used", async () => {
  const { code, out, err } = await runCli("config", "print", "nowhere.yml", "--format=xml", "--log-level=loud");
  assertEquals([code, out], [2, ""]);
  for (const word of ["nowhere.yml: there is no such file", '--format: "xml"', '"loud"']) {
    assertStringIncludes(err, word);
  }
});

Deno.test("config schema prints the schema that the examples have", async () => {
  const { code, out, err } = await runCli("config", "schema");
  assertEquals([code, err], [0, ""]);
  assertEquals(JSON.parse(out), JSON.parse(JSON.stringify(configJsonSchema())));
  assertEquals((await runCli("config", "schema", "relay.yml")).code, 2);
});

const PROGRAM = `import { defineConfig } from "@relaymeter/relay";

const address: string = "127.0.0.1:0";
export default defineConfig({
  "endpoints": [{ "chain-id": "ETH1", "api-interface": "jsonrpc", "network-address": address }],
  "static-providers": [{
    "name": "hosted",
    "chain-id": "ETH1",
    "api-interface": "jsonrpc",
    "node-urls": [{ "url": "https://node.example" }],
  }],
  "max-batch-request-size": 7,
});
`;

Deno.test("relaymeter.config.ts is taken where nothing is named, and has the same order of precedence", async () => {
  await inFolder({ "relaymeter.config.ts": PROGRAM }, async (folder) => {
    const good = await runCliWith(["validate"], {}, folder);
    assertEquals([good.code, good.err], [0, ""]);
    assertStringIncludes(good.out, "relaymeter.config.ts is good: 1 endpoint");
    const printed = await runCliWith(["config", "print"], { RELAYMETER_LOG_LEVEL: "warn" }, folder);
    assertStringIncludes(printed.out, "max-batch-request-size: 7 # relaymeter.config.ts\n");
    assertStringIncludes(printed.out, "log-level: warn # env RELAYMETER_LOG_LEVEL\n");
    const conflict = await runCliWith(["validate", "--upstream=http://a"], {}, folder);
    assertStringIncludes(conflict.err, "--upstream: the configuration file names the providers");
  });
});

Deno.test("the example of a program is good, and takes its keys from the environment", async () => {
  const path = new URL("../../examples/relaymeter.config.ts", import.meta.url).pathname;
  const { code, out } = await runCliWith(["config", "print", path, "--format=json"], { NODE_KEYS: "K3Y-1,K3Y-2" });
  const { config } = JSON.parse(out);
  assertEquals([code, config["static-providers"].length, config.strategy], [0, 2, "latency"]);
  assert(!out.includes("K3Y"), out);
});

Deno.test("validate tells what is wrong in flags, environment and file at once, each by its place", async () => {
  const text = FILE.replace("7779", "77790").replace("ETH1\n    api", "ETH2\n    api");
  await inFolder({ "relay.yml": text }, async (folder) => {
    const env = {
      ...ENV,
      RELAYMETER_SHUTDOWN_GRACE: "soon",
      RELAYMETER_CACHE_REDIS_URL: "https://K3Y",
      RELAYMETER_X: "",
    };
    const { code, out, err } = await runCliWith(["validate", "relay.yml", "--log-level=loud"], env, folder);
    assertEquals([code, out], [2, ""]);
    for (
      const words of [
        "warning: the environment variable RELAYMETER_X is not known",
        '--log-level: "loud" is not',
        'RELAYMETER_SHUTDOWN_GRACE: "soon" is not',
        "RELAYMETER_CACHE_REDIS_URL: must be written redis://",
        'relay.yml: line 1, metrics-listen-address: ":77790" is not',
        'relay.yml: line 5, endpoints[0].chain-id: unknown chain "ETH2"',
      ]
    ) {
      assertStringIncludes(err, words);
    }
    assert(!err.includes("K3Y"), err);
  });
});
