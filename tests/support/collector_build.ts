/** The OpenTelemetry Collector of `examples/collector`, built once with Go and kept in the user's cache folder. */

/** A collector that can be run. */
export interface OtelCollector {
  readonly binary: string;
  /** Exporters that it has, such as `kafka`. */
  readonly exporters: ReadonlySet<string>;
}

/** Folder of the examples. */
export const EXAMPLES = new URL("../../examples/collector/", import.meta.url).pathname;

/** Longest that a build may take, and how long a failed one is not tried again. */
const MAX_BUILD_SECONDS = 12 * 60;
const RETRY_AFTER_MS = 60 * 60 * 1_000;

/** The collector; undefined, and a line that says why, where it can't be had. The first call on a machine takes minutes. */
export async function findOtelCollector(): Promise<OtelCollector | undefined> {
  const definition = await Deno.readTextFile(`${EXAMPLES}builder.yaml`);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(definition));
  const folder = `${cacheFolder()}/otelcol-${new Uint8Array(digest).toHex().slice(0, 12)}`;
  const binary = `${folder}/otelcol-usage`;
  if (!await isThere(binary)) {
    const why = await recentFailure(folder) ?? await build(definition, folder);
    if (why !== undefined) return void say(`skipped: no collector can be built here, because ${why}`);
  }
  const { out } = await run(binary, ["components"]);
  const exporters = /^exporters:\n((?: .*\n)*)/m.exec(out)?.[1] ?? "";
  return { binary, exporters: new Set([...exporters.matchAll(/- name: (\w+)/g)].map(([, name]) => name!)) };
}

/** The folder for what the tests keep on this machine. */
export function cacheFolder(): string {
  return `${Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "."}/.cache`}/relaymeter`;
}

/** A line for whoever looks at the test run. */
export function say(line: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
}

/** Builds in a folder that becomes the real one when all is well; undefined, or why it could not be done. */
async function build(definition: string, folder: string): Promise<string | undefined> {
  const go = await findGo();
  if (go === undefined) return "there is no go";
  await Deno.mkdir(cacheFolder(), { recursive: true });
  const work = await Deno.makeTempDir({ dir: cacheFolder(), prefix: "otelcol-building-" });
  const endMs = Date.now() + MAX_BUILD_SECONDS * 1_000;
  const step = (program: string, args: readonly string[]) =>
    run("timeout", [String(Math.max(1, Math.round((endMs - Date.now()) / 1_000))), "nice", program, ...args], {
      cwd: work,
      env: { PATH: `${go.slice(0, -"/go".length)}:${Deno.env.get("PATH") ?? ""}`, GOBIN: work, CGO_ENABLED: "0" },
    });
  try {
    say("building the collector of examples/collector: some minutes, once");
    const builder = /cmd\/builder@v[\d.]+/.exec(definition)![0];
    const installed = await step(go, ["install", `go.opentelemetry.io/collector/${builder}`]);
    if (!installed.success) return await giveUp(folder, installed.err);
    for (let left = definition;;) {
      await Deno.writeTextFile(`${work}/builder.yaml`, left);
      const made = await step(`${work}/builder`, ["--config", "builder.yaml"]);
      if (made.success) break;
      // What needs an exporter that can't be had is skipped; all else is tested.
      const missing = missingExporter(made.err);
      const without = left.split("\n").filter((line) => !line.includes(`/exporter/${missing} `)).join("\n");
      if (missing === undefined || without === left) return await giveUp(folder, made.err);
      say(`skipped: ${missing}, because not all of its modules can be had here; the collector is built without it`);
      left = without;
    }
    await Deno.mkdir(folder, { recursive: true });
    await Deno.rename(`${work}/otelcol-usage/otelcol-usage`, `${folder}/otelcol-usage`);
    return undefined;
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

/** The exporter for which a module was missing. */
function missingExporter(output: string): string | undefined {
  const complaint = output.split("\n").filter((line) => !line.includes("go: downloading")).join("\n");
  return /\/exporter\/(awss3exporter|clickhouseexporter|kafkaexporter)\b/.exec(complaint)?.[1];
}

async function giveUp(folder: string, output: string): Promise<string> {
  const last = output.trim().split("\n").at(-1) ?? "";
  const why = last === "" ? `it took longer than ${MAX_BUILD_SECONDS} s` : last;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/failure`, why);
  return why;
}

async function recentFailure(folder: string): Promise<string | undefined> {
  try {
    const { mtime } = await Deno.stat(`${folder}/failure`);
    if (Date.now() - mtime!.getTime() > RETRY_AFTER_MS) return undefined;
    return await Deno.readTextFile(`${folder}/failure`);
  } catch {
    return undefined;
  }
}

async function findGo(): Promise<string | undefined> {
  const folders = [...(Deno.env.get("PATH") ?? "").split(":"), "/usr/local/go/bin", "/usr/lib/go/bin"];
  for (const folder of folders) if (await isThere(`${folder}/go`)) return `${folder}/go`;
  return undefined;
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}

/** Runs a program to its end; one that can't be started has failed. */
export async function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Record<string, string> } = {},
): Promise<{ success: boolean; out: string; err: string }> {
  try {
    const output = await new Deno.Command(program, { args: [...args], stdin: "null", ...options }).output();
    const [out, err] = [output.stdout, output.stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { success: output.success, out: out!, err: err! };
  } catch (error) {
    return { success: false, out: "", err: error instanceof Error ? error.message : String(error) };
  }
}
