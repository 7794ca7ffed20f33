import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { startReceiver } from "../support/receiver.ts";
import { RELAY_FLAGS } from "../../src/config/flags.ts";
import { serveWith } from "../support/cli_process.ts";
import { runCli } from "../support/relay_process.ts";

const RELAY_COMMANDS = ["rpcsmartrouter", "rpcconsumer"];
const TRIPLE = ["127.0.0.1:0", "ETH1", "jsonrpc"];
/** Nothing listens there. */
const NOWHERE = "http://127.0.0.1:1";

function configText(address: string, url = "https://node.example/K3Y"): string {
  const common = { "chain-id": "ETH1", "api-interface": "jsonrpc" };
  return JSON.stringify({
    "endpoints": [{ ...common, "network-address": address }],
    "static-providers": [{ name: "a", ...common, "node-urls": [{ url }] }],
  });
}

async function withFile(text: string, use: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".yml" });
  try {
    await Deno.writeTextFile(path, text);
    await use(path);
  } finally {
    await Deno.remove(path);
  }
}

/** A port that somebody listens on. */
function takePort(): { readonly port: number } & Disposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return { port: (listener.addr as Deno.NetAddr).port, [Symbol.dispose]: () => listener.close() };
}

/** A port that nobody listens on. */
function freePort(): number {
  using taken = takePort();
  return taken.port;
}

Deno.test("--version and --help go to standard output and end with 0", async () => {
  const { version } = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  assertEquals(await runCli("--version"), { code: 0, out: `relaymeter ${version}\n`, err: "" });
  const { code, out, err } = await runCli("--help");
  assertEquals([code, err], [0, ""]);
  for (const word of [...RELAY_COMMANDS, "validate", "--version"]) assertStringIncludes(out, word);
});

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

for (const command of RELAY_COMMANDS) {
  Deno.test(`${command} --help lists every flag with its default`, async () => {
    const { code, out, err } = await runCli(command, "--help");
    assertEquals([code, err], [0, ""]);
    for (const [name, { defaultText }] of Object.entries(RELAY_FLAGS)) {
      assertMatch(out, new RegExp(`^  --${name}( .*)?\n.*\\(default ${escape(defaultText || "empty")}\\)$`, "m"));
    }
  });
}

Deno.test("validate --help names its argument", async () => {
  const { code, out } = await runCli("validate", "--help");
  assertEquals(code, 0);
  assertStringIncludes(out, "CONFIG.yml");
});

const WITHOUT_WEIGHTS = ["availability", "latency", "sync", "stake"].map((part) =>
  `--provider-optimizer-${part}-weight=0`
);

/** Wrong command lines, and what the answer must have. */
const WRONG: readonly (readonly [readonly string[], readonly string[]])[] = [
  [[], ["rpcsmartrouter", "validate"]],
  [["rpcsmartruter"], ['"rpcsmartruter"', "did you mean rpcsmartrouter?"]],
  [["constructor"], ['"constructor"', "rpcsmartrouter"]],
  [["--versoin"], ['"--versoin"', "did you mean --version?"]],
  [["rpcsmartrouter"], ["LISTEN CHAIN INTERFACE", "--upstream"]],
  [["rpcsmartrouter", ...TRIPLE], ["--upstream"]],
  [["rpcsmartrouter", ...TRIPLE.slice(0, 2), "--upstream", NOWHERE], ["LISTEN CHAIN INTERFACE"]],
  [["rpcsmartrouter", "127.0.0.1", "ETH", "jsonrp", "--upstream", "ftp://K3Y"], [
    ...['"127.0.0.1"', "host:port", '"ETH"', "did you mean ETH1?", '"jsonrp"', "tendermintrpc", "ftp:"],
  ]],
  [["rpcsmartrouter", ...TRIPLE, "--upstream", NOWHERE, "--usage-otel-enable"], ["did you mean --usage-otel-enabled?"]],
  [["rpcsmartrouter", ...TRIPLE, "--upstream", NOWHERE, "--log-level=loud"], ['"loud"', "debug, info, warn, error"]],
  [["rpcsmartrouter", ...TRIPLE, "--upstream", NOWHERE, "--toString"], ['"--toString"']],
  [["rpcsmartrouter", ...TRIPLE, "--upstream", NOWHERE, ...WITHOUT_WEIGHTS], ["availability-weight", "must be more"]],
  [["rpcsmartrouter", ...TRIPLE, "--upstream", NOWHERE, "--optimizer-qos-listen"], ["needs --metrics-listen-address"]],
  [["rpcsmartrouter", ...TRIPLE, "--upstream", NOWHERE, "--strategy=fast"], ['"fast"', "sync-freshness"]],
  [["rpcsmartrouter", "no/such/file.yml"], ["no/such/file.yml", "no such file"]],
  [["validate"], ["one configuration file"]],
  [["validate", "a.yml", "b.yml"], ["one configuration file"]],
  [["validate", "a.yml", "--strict"], ['"--strict"']],
];

for (const [args, words] of WRONG) {
  Deno.test(`"${args.join(" ")}" is wrong usage: 2, and help on standard error`, async () => {
    const { code, out, err } = await runCli(...args);
    for (const word of words) assertStringIncludes(err, word);
    assertEquals([code, out], [2, ""], err);
    assert(!err.includes("K3Y"), err);
  });
}

Deno.test("validate says that a good file is good, and needs none of its ports", async () => {
  using taken = takePort();
  await withFile(configText(`127.0.0.1:${taken.port}`), async (path) => {
    const { code, out, err } = await runCli("validate", path);
    assertEquals([code, err], [0, ""]);
    assertStringIncludes(out, "1 endpoint");
  });
});

/** Files that can't be used, whatever they make the parser do. */
const BAD_FILES: readonly (readonly [string, string])[] = [
  ["an address without port and a bad URL", configText("localhost", "ftp://K3Y")],
  ["no YAML", "{"],
  ["nothing in it", ""],
  ["an alias to itself", `${configText("127.0.0.1:0").slice(0, -1)}, "x": &x [*x] }`],
];

for (const [what, text] of BAD_FILES) {
  Deno.test(`a file with ${what} is wrong usage to validate and to run, not a failure`, async () => {
    await withFile(text, async (path) => {
      for (const command of ["validate", "rpcsmartrouter"]) {
        const { code, err } = await runCli(command, path);
        assertEquals(code, 2, err);
        assertStringIncludes(err, path);
        assert(!err.includes("K3Y") && !err.includes("    at "), err);
      }
    });
  });
}

Deno.test("validate prints every mistake with its line and path, and counts them", async () => {
  await withFile(configText("localhost", "ftp://K3Y"), async (path) => {
    const { err } = await runCli("validate", path);
    assertStringIncludes(err, `${path}: line 1, endpoints[0].network-address: `);
    assertStringIncludes(err, `${path}: line 1, static-providers[0].node-urls[0].url: `);
    assertStringIncludes(err, "2 mistakes");
  });
});

Deno.test("a port in use is told with all other mistakes, and nothing listens", async () => {
  using taken = takePort();
  const listens = [`127.0.0.1:${taken.port}`, "ETH1", "jsonrpc", ...TRIPLE];
  const { code, err } = await runCli("rpcsmartrouter", ...listens, "--upstream=ftp://x", "--usage-otel-headers=none");
  assertEquals(code, 2, err);
  for (const word of [`127.0.0.1:${taken.port}`, "in use", "--upstream", "--usage-otel-headers"]) {
    assertStringIncludes(err, word);
  }
  assert(!err.includes("relay is listening"), err);
});

Deno.test("mistakes of the flags and of the file come together", async () => {
  await withFile(configText("localhost"), async (path) => {
    const { code, err } = await runCli("rpcsmartrouter", path, "--log-level=loud");
    assertEquals(code, 2);
    assertStringIncludes(err, "--log-level");
    assertStringIncludes(err, "network-address");
  });
});

Deno.test("the same port for two listeners is wrong usage, and nothing listens", async () => {
  const listener = [`127.0.0.1:${freePort()}`, "ETH1", "jsonrpc"];
  const { code, err } = await runCli("rpcsmartrouter", ...listener, ...listener, "--upstream", NOWHERE);
  assertEquals(code, 2, err);
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`${signal} to an idle relay ends it with 0 and a final ledger`, async () => {
    const { code, log } = await serveWith(["rpcsmartrouter", ...TRIPLE, "--upstream", NOWHERE], signal);
    assertEquals(code, 0);
    const last = log.at(-1)!;
    assertStringIncludes(String(last["message"]), "final ledger");
    assertEquals([last["relay_usage_accepted"], last["relay_usage_exported"], last["optimizer_qos_accepted"]], [
      0,
      0,
      0,
    ]);
  });
}

/** A command, its flags, and the service whose events these are. */
const SERVICES: readonly (readonly [string, readonly string[], string])[] = [
  ["rpcsmartrouter", [], "lava-rpcsmartrouter"],
  ["rpcconsumer", [], "lava-rpcconsumer"],
  ["rpcconsumer", ["--usage-otel-service-name=mine"], "mine"],
];

for (const [command, flags, service] of SERVICES) {
  Deno.test(`${command} ${flags.join(" ")} exports as ${service}, by the time that it has ended`, async () => {
    await using receiver = startReceiver();
    const usage = ["--usage-otel-enabled", `--usage-otel-endpoint=${receiver.url}`, "--usage-otel-flush-interval=1h"];
    const args = [command, ...TRIPLE, "--upstream", NOWHERE, ...usage, ...flags];
    const { code, log } = await serveWith(args, "SIGTERM", async (url) => {
      const body = '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}';
      const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
      await response.body?.cancel();
      assertEquals(response.status, 502);
    });
    assertEquals([code, log.at(-1)?.["relay_usage_exported"]], [0, 1]);
    const [record] = receiver.records;
    assertEquals(record?.resource["service.name"], service);
    assertMatch(String(record?.resource["service.instance.id"]), /.+-\d+$/);
    assert(!JSON.stringify(log).includes(NOWHERE), "a URL of a node in the log");
  });
}

Deno.test("OpenTelemetry is loaded only where usage is on", async () => {
  const args = ["info", "--json", new URL("../../cli.ts", import.meta.url).pathname];
  const { stdout } = await new Deno.Command(Deno.execPath(), { args, stderr: "null" }).output();
  const { modules, roots } = JSON.parse(new TextDecoder().decode(stdout)) as Graph;
  const loaded = new Set<string>();
  const load = (specifier: string) => {
    if (loaded.has(specifier)) return;
    loaded.add(specifier);
    const { dependencies = [] } = modules.find((module) => module.specifier === specifier) ?? {};
    for (const { code, isDynamic } of dependencies) if (code?.specifier && !isDynamic) load(code.specifier);
  };
  for (const root of roots) load(root);
  assert([...loaded].some((specifier) => specifier.endsWith("/src/cli/serve.ts")), "the graph was not followed");
  assertEquals([...loaded].filter((specifier) => specifier.includes("@opentelemetry")), []);
  assert(
    modules.some(({ dependencies = [] }) => dependencies.some(({ specifier }) => specifier.includes("opentelemetry"))),
  );
});

interface Graph {
  readonly roots: readonly string[];
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly specifier: string;
      readonly code?: { readonly specifier?: string };
      readonly isDynamic?: boolean;
    }[];
  }[];
}
