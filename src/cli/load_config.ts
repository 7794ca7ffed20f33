import type { EndpointConfig } from "../config/file_content.ts";
import { type Environment, flagsOfEnvironment } from "../config/environment.ts";
import { RELAY_FLAGS, type RelayFlags } from "../config/flags.ts";
import { readCommandLine } from "../config/parse_flags.ts";
import { type ResolvedFlags, resolveFlags } from "../config/resolve_flags.ts";
import { resolveUsageOptions, type UsageOptionsResult } from "../config/usage_options.ts";
import type { ListenerTls } from "../hosts/deno.ts";
import type { ProjectLimit } from "../relay/project_budgets.ts";
import { cacheMistakes } from "./create_cache.ts";
import { usageTargetMistakes } from "./create_usage_sink.ts";
import { readCertificate } from "./listener_certificate.ts";
import { loadSpecs, specFetchOptions } from "./load_specs.ts";
import { optimizerMistakes } from "./optimizer_flags.ts";
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
  /** Where the value of each flag comes from. */
  readonly sources: ResolvedFlags<typeof RELAY_FLAGS>["sources"];
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
  const line = readCommandLine(args, RELAY_FLAGS);
  const { given, positionals, mistakes: argumentMistakes } = line.kind === "help" ? NO_ARGUMENTS : line;
  const resolved = resolveFlags(RELAY_FLAGS, [given, flagsOfEnvironment(RELAY_FLAGS, environment)]);
  const { values: flags, sources, overridden } = resolved;
  const specs = await loadSpecs(flags["use-static-spec"], specFetchOptions(flags));
  const [first] = positionals;
  const isFile = positionals.length === 1 && first !== undefined;
  const read = isFile
    ? readFile(first, specs.specs)
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
    mistakes.push("--http-server: node has no TLS listeners; use deno, or end TLS in front of the relay");
  }
  if (isFile && flags.upstream.length > 0) mistakes.push("--upstream: the configuration file names the providers");
  const usage = resolveUsageOptions(flags, serviceName, processFacts(environment));
  if (usage.kind === "mistakes") mistakes.push(...usage.mistakes);
  mistakes.push(...usageTargetMistakes(flags), ...samplerMistakes(flags), ...optimizerMistakes(flags));
  return {
    flags,
    sources,
    endpoints: read.endpoints,
    certificates,
    projects: read.projects,
    usage,
    mistakes,
    warnings: read.warnings,
    notes: [...overridden, ...specs.notes],
  };
}

const NO_ARGUMENTS = { given: [], positionals: [], mistakes: [] };

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
