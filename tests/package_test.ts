/** The package as it would be published: what is in it, what it exports, that all of it is documented, and where it runs. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import denoConfig from "../deno.json" with { type: "json" };

const ROOT = new URL("../", import.meta.url);
const ENTRY_POINTS = Object.values(denoConfig.exports);

/** The types that `mod.ts` exports; what it exports beside them is in `mod_test.ts`. */
const TYPES = `
  AcceptSocket Api ApiCategory ApiCollection ApiInterface AttributeField AttributeType BlockParsing
  CachedReply ChainSpec ClientSocket Clock CollectionData Connect ConnectResult Connection ConnectionInfo
  DropReason Expansion Extension Fetch FileAuthConfig FileEndpoint FileGrpcConfig FileNodeUrl FileProject
  FileProvider FunctionTag GenericParser HeaderFields HeaderRule HrTime LedgerCounts Log LogFields
  MemoryCacheOptions MetricsHandlerOptions MetricsRegistry MetricsSources Mistake NodeReply NodeTls
  NodeTlsConfig NodeUrlConfig OpenNodeSocket OptimizerConfig OptimizerQosEvent OptimizerQosProvider
  OptimizerQosSamplerOptions OptimizerQosScores OptimizerQosSource Origin OtelUsageOptions OverBudget
  ParseDirective ParserFunc PathRouter PlatformSocket PreparedConfig ProbeConfig ProjectLimit ProviderConfig
  RelayConfig RelayFile RelayHandle RelayOptions RelayUsageEvent ReplyCache RoutedRelay SocketConfig
  SocketReceiver SpecFile SpecMistake Strategy UsageEvent UsageEventKind UsageExportResult UsageLogExporter
  UsageLogRecord UsageNumbering UsageResource UsageSink UsageSpoolOptions UsageStats Verification
  VerificationValue
`.trim().split(/\s+/);

/** Runs Deno in the checkout. */
async function deno(...args: readonly string[]): Promise<{ success: boolean; out: string; err: string }> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: ROOT.pathname,
    env: { NO_COLOR: "1" },
  }).output();
  return { success, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

/** A configuration file is a module that only its owner knows, so that nothing can be said of it beforehand. */
const CONFIG_IMPORT = /^warning\[unanalyzable-dynamic-import\].*\n.*\/src\/cli\/import_config\.ts:/gm;

Deno.test("publishing it would succeed, without a warning but of configuration files that are programs", async () => {
  const { success, out, err } = await deno("publish", "--dry-run", "--allow-dirty");
  assert(success, err);
  assertEquals(err.replace(CONFIG_IMPORT, "").match(/^(?:warning|error)\b.*/gim) ?? [], []);
  const files = [...`${out}\n${err}`.matchAll(/^ +(file:\S+) \(/gm)].map(([, url]) => url!.slice(ROOT.href.length));
  const needed = [...ENTRY_POINTS.map((path) => path.slice(2)), "deno.json", "LICENSE", "README.md"];
  for (const file of needed) assert(files.includes(file), `${file} would not be in it`);
  // Beside the program: what its own configuration links to, where the real packages can't be had.
  const others = files.filter((file) => !/^(?:src\/|\.links\/|[\w.]+$)/.test(file));
  assertEquals(others, [], "what nobody needs who imports it");
});

Deno.test("every export of every entry point is documented", async () => {
  const { success, err } = await deno("doc", "--lint", ...ENTRY_POINTS);
  assert(success, err);
});

Deno.test("the types of the module are these", async () => {
  const values = Object.keys(await import("../mod.ts"));
  const symbols = await documentation("./mod.ts");
  assertEquals(symbols.map(({ name }) => name).filter((name) => !values.includes(name)).sort(), TYPES);
});

/** The types that a user of the module implements or fills in. */
const FILLED_IN = `
  AcceptSocket Clock Connect Fetch LedgerCounts OptimizerQosSource OtelUsageOptions RelayConfig ReplyCache UsageSink
`.trim().split(/\s+/);

Deno.test("everything that can be called, constructed or implemented has an example", async () => {
  const missing: string[] = [];
  for (const entryPoint of ENTRY_POINTS) {
    const values = Object.keys(await import(`../${entryPoint}`));
    for (const { name, declarations } of await documentation(entryPoint)) {
      const tags = declarations.flatMap(({ jsDoc }) => jsDoc?.tags ?? []);
      const needsOne = values.includes(name) || FILLED_IN.includes(name);
      if (needsOne && !tags.some(({ kind }) => kind === "example")) missing.push(`${name} of ${entryPoint}`);
    }
  }
  assertEquals(missing, []);
});

/** What `deno doc` knows of what an entry point exports. Of several at once it would document each export in one place. */
async function documentation(entryPoint: string): Promise<readonly DocumentedSymbol[]> {
  const { nodes }: { nodes: Record<string, { symbols: readonly DocumentedSymbol[] }> } = JSON.parse(
    (await deno("doc", "--json", entryPoint)).out,
  );
  return Object.values(nodes).flatMap(({ symbols }) => symbols);
}

interface DocumentedSymbol {
  readonly name: string;
  readonly declarations: readonly { readonly jsDoc?: { readonly tags?: readonly { readonly kind: string }[] } }[];
}

Deno.test("the module type-checks where there are only the web's types", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const lib = ["dom", "dom.iterable", "dom.asynciterable", "esnext"];
    const { compilerOptions, imports, unstable } = denoConfig;
    const config = `${folder}/deno.json`;
    await Deno.writeTextFile(
      config,
      JSON.stringify({ imports, unstable, compilerOptions: { ...compilerOptions, lib } }),
    );
    const check = (file: string) => deno("check", "--no-lock", "--config", config, file);
    const module = await check("mod.ts");
    assert(module.success, module.err);
    // That there are no others is shown by what needs them.
    const connect = await check("src/transports/http1/deno_connect.ts");
    assertStringIncludes(connect.err, "Cannot find name 'Deno'");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Most bytes of the module with everything in it, minified; and compressed, as an edge platform counts it. */
const MAX_BUNDLE_BYTES = 480 * 1024;
const MAX_COMPRESSED_BYTES = 108 * 1024;

Deno.test("the module's bundle for the edge stays small", async () => {
  const bundle = await Deno.makeTempFile({ suffix: ".js" });
  try {
    const { success, err } = await deno("bundle", "--quiet", "--platform=browser", "--minify", "-o", bundle, "mod.ts");
    assert(success, err);
    const bytes = await Deno.readFile(bundle);
    const { modules } = JSON.parse((await deno("info", "--json", bundle)).out);
    assertEquals(modules[0].dependencies ?? [], [], "it needs no other module, nor one of a platform");
    const compressed = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
    const { byteLength } = await new Response(compressed).arrayBuffer();
    assert(bytes.length < MAX_BUNDLE_BYTES, `it has ${bytes.length} bytes`);
    assert(byteLength < MAX_COMPRESSED_BYTES, `it has ${byteLength} bytes, compressed`);
  } finally {
    await Deno.remove(bundle);
  }
});
