import type { ConfigDocument } from "../config/config_document.ts";
import type { EndpointConfig } from "../config/file_content.ts";
import { type Environment, flagsOfEnvironment } from "../config/environment.ts";
import { flagsOfFile, ignoredInFile } from "../config/file_flags.ts";
import { RELAY_FLAGS, type RelayFlags } from "../config/flags.ts";
import { FOREIGN_FLAGS } from "../config/foreign_flags.ts";
import { describeMistake } from "../config/mistake.ts";
import { readCommandLine } from "../config/parse_flags.ts";
import { type ResolvedFlags, resolveFlags } from "../config/resolve_flags.ts";
import { resolveUsageOptions, type UsageOptionsResult } from "../config/usage_options.ts";
import type { ListenerTls } from "../hosts/deno.ts";
import type { ProjectLimit } from "../relay/project_budgets.ts";
import { adminMistakes } from "./admin_flags.ts";
import { cacheMistakes } from "./create_cache.ts";
import { usageTargetMistakes } from "./create_usage_sink.ts";
import { readCertificate } from "./listener_certificate.ts";
import { loadSpecs, specFetchOptions } from "./load_specs.ts";
import { processMistakes } from "./processes/process_flags.ts";
import { optimizerMistakes } from "./optimizer_flags.ts";
import { DEFAULT_CONFIG_FILE, hasDefaultConfigFile, readConfigFile } from "./read_config_file.ts";
import { readFile, readTriples } from "./read_endpoints.ts";
import { samplerMistakes } from "./sampler.ts";
import { upstreamMistakes } from "./upstream.ts";

/** What a configuration is loaded with. */
export interface ConfigSurroundings {
  readonly environment: Environment;
  /** `service.name` where no flag names another. */
  readonly serviceName: string;
}

/** Everything that a relay is started or reloaded with. With mistakes in it, it is only as good as what could be read. */
export interface LoadedConfig {
  readonly flags: RelayFlags;
  /** The configuration file, and what stands in it. */
  readonly file: { readonly path: string; readonly document: ConfigDocument } | undefined;
  /** Where the value of each flag comes from. */
  readonly sources: ResolvedFlags<typeof RELAY_FLAGS>["sources"];
  /** The values as they were written, of the flags that are given. */
  readonly texts: ResolvedFlags<typeof RELAY_FLAGS>["texts"];
  readonly endpoints: readonly EndpointConfig[];
  /** Certificates of the endpoints that speak TLS. */
  readonly certificates: ReadonlyMap<EndpointConfig, ListenerTls>;
  /** What projects may use. */
  readonly projects: readonly ProjectLimit[];
  readonly usage: UsageOptionsResult;
  /** Every mistake, a line each; empty for a configuration that can be used. */
  readonly mistakes: readonly string[];
  /** What is accepted and has no effect, a line each. */
  readonly warnings: readonly string[];
  /** What may be worth knowing, a line each. */
  readonly notes: readonly string[];
}

/**
 * Loads a relay's configuration from the arguments after the command's name, the environment, and the files that these
 * name. Reads them anew each time, changes nothing, and listens nowhere: a running relay may call it for what its files
 * say by now.
 */
export async function loadConfig(
  args: readonly string[],
  { environment, serviceName }: ConfigSurroundings,
): Promise<LoadedConfig> {
  const line = readCommandLine(args, RELAY_FLAGS, FOREIGN_FLAGS);
  const { given, positionals, mistakes: argumentMistakes, warnings } = line.kind === "help" ? NO_ARGUMENTS : line;
  const path = configFileOf(positionals);
  const file = path === undefined ? undefined : { path, document: await readConfigFile(path, environment) };
  const resolved = resolveFlags(RELAY_FLAGS, [
    given,
    flagsOfEnvironment(RELAY_FLAGS, environment),
    file === undefined ? [] : flagsOfFile(file.document, file.path),
  ]);
  const { values: flags, sources, texts, overridden } = resolved;
  const specs = await loadSpecs(flags["use-static-spec"], specFetchOptions(flags));
  const read = file !== undefined
    ? readFile(file.path, file.document, specs.specs)
    : readTriples(positionals, flags.upstream, specs.specs, flags["grpc-allow-insecure"]);
  const mistakes = [
    ...argumentMistakes,
    ...resolved.mistakes,
    ...cacheMistakes(flags),
    ...specs.mistakes,
    ...read.mistakes,
    ...upstreamMistakes(flags, read.endpoints),
  ];
  const certificates = readCertificates(read.endpoints, mistakes);
  if (flags["http-server"] === "node" && certificates.size > 0) {
    mistakes.push("--http-server: node has no TLS listeners; use own or deno, or end TLS in front of the relay");
  }
  if (file !== undefined && flags.upstream.length > 0) {
    mistakes.push("--upstream: the configuration file names the providers");
  }
  const usage = resolveUsageOptions(flags, serviceName, processFacts(environment));
  if (usage.kind === "mistakes") mistakes.push(...usage.mistakes);
  mistakes.push(
    ...usageTargetMistakes(flags),
    ...samplerMistakes(flags),
    ...adminMistakes(flags),
    ...processMistakes(flags, read.endpoints, read.projects),
    ...optimizerMistakes(flags),
  );
  return {
    flags,
    file,
    sources,
    texts,
    endpoints: read.endpoints,
    certificates,
    projects: read.projects,
    usage,
    mistakes: mistakes.map((mistake) => namedByPlace(mistake, sources, file)),
    warnings: [...warnings, ...(file ? ignoredInFile(file.document, file.path) : []), ...read.warnings],
    notes: [...overridden, ...specs.notes],
  };
}

const NO_ARGUMENTS = { given: [], positionals: [], mistakes: [], warnings: [] };

/** The configuration file that the arguments name, or that is taken where they name nothing. */
function configFileOf(positionals: readonly string[]): string | undefined {
  if (positionals.length === 1) return positionals[0];
  return positionals.length === 0 && hasDefaultConfigFile() ? DEFAULT_CONFIG_FILE : undefined;
}

/** A mistake in a flag's value, called by the place that the value comes from. */
function namedByPlace(mistake: string, sources: LoadedConfig["sources"], file: LoadedConfig["file"]): string {
  const [, name = "", message = ""] = /^--([a-z0-9-]+): (.*)$/s.exec(mistake) ?? [];
  const source = Object.entries(sources).find(([flag]) => flag === name)?.[1];
  if (source?.kind === "environment") return `${source.variable}: ${message}`;
  if (source?.kind !== "file" || file === undefined) return mistake;
  return `${file.path}: ${describeMistake(file.document.locate({ path: [name], message }))}`;
}

/** The certificates of listeners that speak TLS, read before anything listens. */
function readCertificates(endpoints: readonly EndpointConfig[], mistakes: string[]): Map<EndpointConfig, ListenerTls> {
  const certificates = new Map<EndpointConfig, ListenerTls>();
  for (const endpoint of endpoints) {
    if (endpoint.tls === undefined) continue;
    const read = readCertificate(endpoint.tls);
    if (read.kind === "certificate") certificates.set(endpoint, read.certificate);
    // Known already from the configuration file, unless the files have changed since: never without TLS then.
    else if (mistakes.length === 0) mistakes.push(...read.mistakes.map(({ message }) => message));
  }
  return certificates;
}

function processFacts(environment: Environment): Parameters<typeof resolveUsageOptions>[2] {
  let hostname: string | undefined;
  try {
    hostname = Deno.hostname();
  } catch {
    // Left unknown, as the permissions say.
  }
  return { env: (name) => environment.get(name), hostname, pid: Deno.pid };
}
