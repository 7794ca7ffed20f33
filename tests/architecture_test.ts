import { assertEquals } from "@std/assert";
import denoConfig from "../deno.json" with { type: "json" };

/** The layers, and what each may import. Changed on purpose only. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  usage: ["domain"],
  // The embedded collector: it needs the usage events and their wire formats, and nothing of a relay.
  store: ["domain", "usage"],
  // What is read out of a store, or of files that another collector wrote: reports, and whether anything is missing.
  report: ["domain", "usage", "store"],
  // The usage page: it is shown events and a ledger, from whoever has them.
  ui: ["domain", "usage"],
  spec: ["domain"],
  providers: ["domain"],
  cache: ["domain"],
  protocols: ["domain", "spec"],
  http2: ["domain"],
  relay: ["domain", "usage", "spec", "providers"],
  transports: ["domain", "providers", "http2"],
  observe: ["domain", "providers", "usage"],
  hosts: ["domain", "usage", "spec", "providers", "protocols", "relay", "transports", "observe", "http2"],
  config: ["domain", "usage", "spec", "providers", "protocols", "relay", "transports", "observe", "http2"],
  cli: [
    "domain",
    "usage",
    "cache",
    "spec",
    "providers",
    "protocols",
    "relay",
    "transports",
    "http2",
    "observe",
    "store",
    "report",
    "ui",
    "hosts",
    "config",
    "mod.ts",
  ],
  "mod.ts": [
    "domain",
    "usage",
    "cache",
    "spec",
    "providers",
    "protocols",
    "relay",
    "transports",
    "observe",
    "hosts",
    "config",
  ],
  // In a worker the program is the store of a relay.
  "cli.ts": ["cli", "store"],
};

/** The only files that may name a runtime. */
const ADAPTERS = [
  /^cli\.ts$/,
  /^src\/cli\//,
  /^src\/usage\/spool\//,
  /^src\/store\//,
  /^src\/cache\/redis_cache\.ts$/,
  /^src\/http2\/(?:deno|node)_[a-z]+\.ts$/,
  /^src\/transports\/http1\/(?:deno|node)_connect\.ts$/,
  /^src\/report\/event_files\.ts$/,
  /^src\/hosts\/http1\/listen\.ts$/,
  /^src\/hosts\/(?!fetch_handler|websocket_session)[a-z_]+\.ts$/,
];
const RUNTIME_NAMES = /\bDeno\.|["'`]node:|\bWebSocketPair\b|\bprocess\./;

const ROOT = new URL("../", import.meta.url);

interface Module {
  readonly specifier: string;
  readonly dependencies?: readonly {
    readonly code?: { readonly specifier?: string };
    readonly type?: { readonly specifier?: string };
  }[];
}

/** Every import between the project's own files, from the compiler's graph of each entry point; `import type` counts. */
async function importGraph(): Promise<ReadonlyMap<string, readonly string[]>> {
  const graph = new Map<string, string[]>();
  for (const entryPoint of Object.values(denoConfig.exports)) {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", entryPoint],
      cwd: ROOT.pathname,
    }).output();
    const { modules }: { modules: readonly Module[] } = JSON.parse(new TextDecoder().decode(stdout));
    for (const { specifier, dependencies = [] } of modules) {
      if (!isOwn(specifier)) continue;
      const targets = dependencies.flatMap(({ code, type }) => [code?.specifier, type?.specifier]);
      graph.set(fileOf(specifier), targets.filter((target) => target !== undefined).filter(isOwn).map(fileOf));
    }
  }
  return graph;
}

function isOwn(specifier: string): boolean {
  return specifier.startsWith(ROOT.href) && /^(?:src\/|mod\.ts|cli\.ts)/.test(fileOf(specifier));
}

function fileOf(specifier: string): string {
  return specifier.slice(ROOT.href.length);
}

/** The layer of a file: its folder below `src`, or the file itself at the top. */
function layerOf(file: string): string {
  return file.startsWith("src/") ? file.split("/")[1]! : file;
}

const graph = await importGraph();

Deno.test("the graph holds the whole of src", () => {
  const inTree: string[] = [];
  const walk = (folder: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(new URL(folder, ROOT))) {
      if (isDirectory) walk(`${folder}${name}/`);
      else inTree.push(`${folder}${name}`);
    }
  };
  walk("src/");
  const unreached = inTree.filter((file) => !graph.has(file));
  assertEquals(unreached, [], "files that nothing uses");
});

Deno.test("imports go down the layers only", () => {
  const wrong: string[] = [];
  for (const [file, targets] of graph) {
    for (const target of targets) {
      const [from, to] = [layerOf(file), layerOf(target)];
      if (from !== to && !LAYERS[from]?.includes(to)) wrong.push(`${file} -> ${target}`);
    }
  }
  assertEquals(wrong, []);
});

Deno.test("imports have no cycles", () => {
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, trail: readonly string[]) => {
    if (trail.includes(file)) cycles.push([...trail.slice(trail.indexOf(file)), file].join(" -> "));
    if (done.has(file) || trail.includes(file)) return;
    for (const target of graph.get(file) ?? []) visit(target, [...trail, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  assertEquals(cycles, []);
});

Deno.test("only adapters name a runtime", () => {
  const wrong = [...graph.keys()].filter((file) =>
    file.endsWith(".ts") && !ADAPTERS.some((adapter) => adapter.test(file)) &&
    RUNTIME_NAMES.test(withoutComments(Deno.readTextFileSync(new URL(file, ROOT))))
  );
  assertEquals(wrong, []);
});

Deno.test("only the relay emits relay_usage", () => {
  const emitting = [...graph.keys()].filter((file) =>
    file.endsWith(".ts") && /\.emit\(/.test(withoutComments(Deno.readTextFileSync(new URL(file, ROOT))))
  );
  // These sinks pass on what the relay has emitted, and make no event.
  const passing = ["src/ui/watched_sink.ts", "src/usage/held_usage.ts"];
  assertEquals(emitting.filter((file) => !passing.includes(file)), ["src/relay/meter.ts"]);
});

Deno.test("the top level holds what belongs there", () => {
  const allowed = new Set(["deno.json", "deno.lock", "mod.ts", "cli.ts", "src", "tests", "bench", "examples"]);
  for (const name of ["README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md"]) allowed.add(name);
  const { stdout } = new Deno.Command("git", { args: ["ls-files"], cwd: ROOT.pathname }).outputSync();
  const names = new Set(new TextDecoder().decode(stdout).trim().split("\n").map((file) => file.split("/")[0]!));
  assertEquals([...names].filter((name) => !name.startsWith(".") && !allowed.has(name)), []);
});

function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
}
