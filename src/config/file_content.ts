import type { ApiInterface } from "../domain/api_interface.ts";
import { parseDuration } from "../domain/duration.ts";
import { type Address, parseAddress } from "./address.ts";
import { checkRelayConfig } from "./assemble.ts";
import { checkFileShape } from "./file_schema.ts";
import { describeMistake, type Mistake } from "./mistake.ts";
import type { NodeUrlConfig, ProviderConfig, RelayConfig } from "./relay_config.ts";

/** One listener and the relay behind it. */
export interface EndpointConfig {
  readonly address: Address;
  readonly relay: RelayConfig;
}

/** What a configuration says. With mistakes in it, the endpoints are only as good as what could be read. */
export interface FileContent {
  readonly endpoints: readonly EndpointConfig[];
  /** Every mistake; empty for a configuration that can be used. */
  readonly mistakes: readonly Mistake[];
  /** What is accepted and has no effect. */
  readonly warnings: readonly string[];
}

/** A provider of the file, where it stands there, and whom it is for. */
interface FileProvider {
  readonly config: ProviderConfig;
  readonly path: Mistake["path"];
  readonly chainId: string;
  readonly apiInterface: string;
}

/**
 * Reads the parsed content of a configuration file.
 *
 * The shape is checked first, and then what was readable is checked on with stand-ins for the rest, so that one round
 * shows every mistake. Where both complain about the same place, the shape's complaint stands.
 */
export function readFileContent(content: unknown): FileContent {
  const mistakes = checkFileShape(content);
  const file = membersOf(content);
  const primaries = readProviders(file, "static-providers", "direct-rpc");
  const backups = readProviders(file, "backup-providers", "backup-direct-rpc");
  const all = [...primaries, ...backups];
  if (all.length === 0) mistakes.push({ path: ["static-providers"], message: "needs at least one provider" });
  for (const [index, { config: { name }, path }] of all.entries()) {
    if (name !== "" && all.findIndex((other) => other.config.name === name) < index) {
      mistakes.push({ path: [...path, "name"], message: `"${name}" is taken by another provider; names are unique` });
    }
  }

  const endpoints: EndpointConfig[] = [];
  const used = new Set<FileProvider>();
  for (const [index, value] of listOf(file["endpoints"]).entries()) {
    const at = ["endpoints", index];
    const { address, relay, own, ownBackups } = readEndpoint(membersOf(value), primaries, backups);
    if (own.length === 0 && all.length > 0) {
      const served = `${relay.chainId} ${relay.apiInterface}`;
      mistakes.push({ path: at, message: `no provider serves ${served}; add one to static-providers` });
    }
    for (const mistake of checkRelayConfig(relay)) mistakes.push(toFilePath(mistake, at, own, ownBackups));
    for (const provider of [...own, ...ownBackups]) used.add(provider);
    if (address === undefined) continue;
    if (address.port !== 0 && endpoints.some((other) => other.address.port === address.port)) {
      mistakes.push({ path: [...at, "network-address"], message: `port ${address.port} is taken by another endpoint` });
    }
    endpoints.push({ address, relay });
  }
  const unused = all.filter((provider) => !used.has(provider));
  const warnings = unused.map(({ config }) => `provider ${config.name} is for no endpoint; it is not used`);
  return { endpoints, mistakes: onePerPlace(mistakes), warnings: [...warnings, ...withoutEffect(file)] };
}

function readEndpoint(members: Members, primaries: readonly FileProvider[], backups: readonly FileProvider[]): {
  readonly address: Address | undefined;
  readonly relay: RelayConfig;
  readonly own: readonly FileProvider[];
  readonly ownBackups: readonly FileProvider[];
} {
  const chainId = textOf(members["chain-id"]);
  const apiInterface = textOf(members["api-interface"]);
  const isOwn = (p: FileProvider) => p.chainId === chainId && p.apiInterface === apiInterface;
  const own = primaries.filter(isOwn);
  const ownBackups = backups.filter(isOwn);
  const healthPath = textOf(members["health-check-path"]);
  const relay: RelayConfig = {
    chainId,
    apiInterface: apiInterface as ApiInterface,
    providers: own.map(({ config }) => config),
    backupProviders: ownBackups.map(({ config }) => config),
    ...(healthPath !== "" && { healthCheckPath: healthPath }),
  };
  return { address: parseAddress(textOf(members["network-address"])), relay, own, ownBackups };
}

function readProviders(file: Members, member: string, alias: string): FileProvider[] {
  return [member, alias].flatMap((name) =>
    listOf(file[name]).map((value, index) => {
      const members = membersOf(value);
      const config = { name: textOf(members["name"]), nodeUrls: listOf(members["node-urls"]).map(readNodeUrl) };
      const chainId = textOf(members["chain-id"]);
      return { config, path: [name, index], chainId, apiInterface: textOf(members["api-interface"]) };
    })
  );
}

function readNodeUrl(value: unknown): NodeUrlConfig {
  const members = membersOf(value);
  const auth = membersOf(members["auth-config"]);
  return {
    url: textOf(members["url"]),
    addons: listOf(members["addons"]).map(textOf),
    timeoutMs: parseDuration(textOf(members["timeout"])) ?? 0,
    ipForwarding: members["ip-forwarding"] === true,
    methods: listOf(members["methods"]).map(textOf),
    authHeaders: Object.fromEntries(Object.entries(membersOf(auth["auth-headers"])).map(([k, v]) => [k, textOf(v)])),
    authQuery: textOf(auth["auth-query"]),
  };
}

/** Puts a mistake in an endpoint's relay where the file has it. */
function toFilePath(
  { path: [first, index, ...rest], message }: Mistake,
  endpoint: Mistake["path"],
  primaries: readonly FileProvider[],
  backups: readonly FileProvider[],
): Mistake {
  const list = first === "providers" ? primaries : first === "backupProviders" ? backups : [];
  const provider = list[Number(index)];
  if (provider === undefined) return { path: first === "providers" ? endpoint : [...endpoint, kebab(first)], message };
  return {
    path: [...provider.path, ...rest.flatMap((part) => part === "authHeaders" ? AUTH_HEADERS : kebab(part))],
    message,
  };
}

const AUTH_HEADERS = ["auth-config", "auth-headers"];

/** `nodeUrls` in the file's spelling, `node-urls`. */
function kebab(part: string | number | undefined): string | number {
  return typeof part === "number" ? part : (part ?? "").replace(/[A-Z]/g, (upper) => `-${upper.toLowerCase()}`);
}

/** The first mistake of each place: later ones follow from it. Unknown members are each a mistake of their own. */
function onePerPlace(mistakes: readonly Mistake[]): Mistake[] {
  const seen = new Set<string>();
  return mistakes.filter((mistake) => {
    const place = mistake.message.startsWith("unknown ") ? describeMistake(mistake) : mistake.path.join("\n");
    return !seen.has(place) && seen.add(place);
  });
}

/** Members that are accepted because files have them, and that change nothing. */
function withoutEffect(file: Members): string[] {
  const text = JSON.stringify(file);
  const warnings: string[] = [];
  if (text.includes('"stake":')) warnings.push("stake has no effect: providers are asked in turn");
  if (text.includes('"skip-verifications":')) warnings.push("skip-verifications has no effect: there are none to skip");
  if (/"url":"wss?:/.test(text)) warnings.push("ws and wss URLs are not used: subscriptions are not served");
  return warnings;
}

type Members = Readonly<Record<string, unknown>>;

function membersOf(value: unknown): Members {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value as Members : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
