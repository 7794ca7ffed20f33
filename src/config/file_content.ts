import type { ApiInterface } from "../domain/api_interface.ts";
import { readProject } from "../domain/caller.ts";
import { parseDuration } from "../domain/duration.ts";
import { type Address, addressText, isSameAddress, parseAddress } from "./address.ts";
import { checkRelayConfig } from "./resolve_config.ts";
import { checkFileShape } from "./file_schema.ts";
import type { SpecSet } from "../spec/spec_set.ts";
import type { ProjectLimit } from "../relay/project_budgets.ts";
import { describeMistake, type Mistake, pathText } from "./mistake.ts";
import type { NodeTlsConfig, NodeUrlConfig, ProviderConfig, RelayConfig } from "./relay_config.ts";

/** One listener and the relay behind it. */
export interface EndpointConfig {
  readonly address: Address;
  /** Where gRPC-Web is served beside gRPC. */
  readonly grpcWebAddress?: Address;
  /** Files of the certificate chain and the private key; undefined for a listener without TLS. */
  readonly tls?: EndpointTls;
  /** Below which path it is served; undefined for the whole address, or one by chain and interface where it is shared. */
  readonly path?: string;
  readonly relay: RelayConfig;
}

/** Where a listener's certificate is, in PEM. */
export interface EndpointTls {
  readonly certFile: string;
  readonly keyFile: string;
}

/** What is wrong with a file of a listener's certificate. */
export interface TlsMistake {
  readonly member: "tls-cert-file" | "tls-key-file";
  readonly message: string;
}

/** Looks into the files of a listener's certificate. */
export type CheckTls = (files: EndpointTls) => readonly TlsMistake[];

/** What a configuration says. With mistakes in it, the endpoints are only as good as what could be read. */
export interface FileContent {
  readonly endpoints: readonly EndpointConfig[];
  /** What projects may use; empty for as much as they like. */
  readonly projects: readonly ProjectLimit[];
  /** Every mistake; empty for a configuration that can be used. */
  readonly mistakes: readonly Mistake[];
  /** What is accepted and has no effect. */
  readonly warnings: readonly string[];
}

/** A provider of the file, where it stands there, and whom it is for. */
interface FileProvider {
  readonly config: ProviderConfig;
  readonly members: Members;
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
export function readFileContent(content: unknown, specs: SpecSet, checkTls: CheckTls = () => []): FileContent {
  const mistakes = checkFileShape(content);
  if (mistakes.some(({ path }) => path.length === 0)) return { endpoints: [], projects: [], mistakes, warnings: [] };
  const file = membersOf(content);
  const primaries = readProviders(file, "static-providers", "direct-rpc");
  const backups = readProviders(file, "backup-providers", "backup-direct-rpc");
  const all = [...primaries, ...backups];
  if (all.length === 0) mistakes.push({ path: ["static-providers"], message: "needs at least one provider" });
  const names = new Set<string>();
  for (const { config: { name }, path } of all) {
    if (name !== "" && names.has(name)) {
      mistakes.push({ path: [...path, "name"], message: `"${name}" is taken by another provider; names are unique` });
    }
    names.add(name);
  }
  for (const group of Map.groupBy(all, ({ chainId, apiInterface }) => `${chainId} ${apiInterface}`).values()) {
    mistakes.push(...checkProviders(group, specs));
  }

  const endpoints: EndpointConfig[] = [];
  const used = new Set<FileProvider>();
  for (const [index, value] of listOf(file["endpoints"]).entries()) {
    const at = ["endpoints", index];
    const { address, relay, own } = readEndpoint(membersOf(value), primaries, backups, specs);
    if (relay.providers.length === 0 && all.length > 0) {
      const served = `${relay.chainId} ${relay.apiInterface}`;
      mistakes.push({ path: at, message: `no provider serves ${served}; add one to static-providers` });
    }
    for (const { path, message } of checkRelayConfig({ ...relay, backupProviders: [] })) {
      // Providers have been checked, each in its own place.
      if (path[0] !== "providers") mistakes.push({ path: [...at, ...path.map(kebab)], message });
    }
    for (const provider of own) used.add(provider);
    if (address === undefined) continue;
    const tls = readTls(membersOf(value), at, mistakes, checkTls);
    const path = textOf(membersOf(value)["path"]);
    if (path !== "" && relay.apiInterface === "grpc") {
      mistakes.push({ path: [...at, "path"], message: "is not for gRPC, whose methods are paths" });
    }
    const optional = { ...(tls && { tls }), ...(path !== "" && { path }) };
    const others = endpoints.filter((each) => isSameAddress(each.address, address));
    const conflict = others.map((other) => conflictOf(other, { address, relay, ...optional }))
      .find((reason) => reason !== undefined);
    if (conflict !== undefined) {
      const message = `${addressText(address)} is taken by another endpoint${conflict}`;
      mistakes.push({ path: [...at, "network-address"], message });
    }
    const web = readGrpcWeb(membersOf(value), address, [...at, "grpc-web-address"], mistakes);
    endpoints.push({ address, relay, ...(web && { grpcWebAddress: web }), ...optional });
  }
  const projects = readProjects(listOf(file["projects"]), mistakes);
  const unused = all.filter((provider) => !used.has(provider));
  const warnings = [
    ...all.filter(({ members }) => members["name"] === undefined).map(({ config, path }) =>
      `${pathText(path)} has no name, so that events call it ${config.name}; its place in the list may change`
    ),
    ...unused.map(({ config }) => `provider ${config.name} is for no endpoint; it is not used`),
  ];
  return { endpoints, projects, mistakes: onePerPlace(mistakes), warnings };
}

/** Why two endpoints can't share an address, each below its own path; undefined when they can. */
function conflictOf(a: EndpointConfig, b: EndpointConfig): string | undefined {
  if (addressText(a.address) !== addressText(b.address)) return "";
  if (a.relay.apiInterface === "grpc" || b.relay.apiInterface === "grpc") return "; gRPC needs one of its own";
  if (pathOfEndpoint(a) === pathOfEndpoint(b)) {
    return ` at the path ${pathOfEndpoint(a)}; give one of them another path`;
  }
  const isSameTls = a.tls?.certFile === b.tls?.certFile && a.tls?.keyFile === b.tls?.keyFile;
  return isSameTls ? undefined : " with another certificate";
}

/** Where an endpoint is served that names a path or shares its address; `/eth1/jsonrpc` when it names none. */
export function pathOfEndpoint({ path, relay }: EndpointConfig): string {
  return path?.toLowerCase() ?? `/${relay.chainId.toLowerCase()}/${relay.apiInterface ?? "jsonrpc"}`;
}

function readTls(
  members: Members,
  at: Mistake["path"],
  mistakes: Mistake[],
  check: CheckTls,
): EndpointTls | undefined {
  const [certFile, keyFile] = [textOf(members["tls-cert-file"]), textOf(members["tls-key-file"])];
  if (members["tls-enabled"] !== true) {
    if (certFile !== "" || keyFile !== "") {
      mistakes.push({ path: [...at, "tls-enabled"], message: "must be true for a certificate to be used" });
    }
    return undefined;
  }
  if (certFile === "") {
    mistakes.push({ path: [...at, "tls-cert-file"], message: "is missing; TLS needs a certificate" });
  }
  if (keyFile === "") mistakes.push({ path: [...at, "tls-key-file"], message: "is missing; TLS needs a private key" });
  if (certFile !== "" && keyFile !== "") {
    for (const { member, message } of check({ certFile, keyFile })) mistakes.push({ path: [...at, member], message });
  }
  return { certFile, keyFile };
}

function readProjects(values: readonly unknown[], mistakes: Mistake[]): ProjectLimit[] {
  const limits: ProjectLimit[] = [];
  for (const [index, value] of values.entries()) {
    const members = membersOf(value);
    const path = ["projects", index];
    const project = textOf(members["id"]);
    const { "units-per-second": unitsPerSecond, "units-per-day": unitsPerDay } = members;
    if (unitsPerSecond === undefined && unitsPerDay === undefined) {
      mistakes.push({ path, message: "needs units-per-second or units-per-day, or both" });
    }
    const read = readProject(project);
    if (read.kind === "failure") mistakes.push({ path: [...path, "id"], message: "can't be a project id" });
    if (project !== "" && limits.some((other) => other.project === project)) {
      mistakes.push({ path: [...path, "id"], message: "is the id of another project; ids are unique" });
    }
    limits.push({
      project,
      ...(typeof unitsPerSecond === "number" && { unitsPerSecond }),
      ...(typeof unitsPerDay === "number" && { unitsPerDay }),
    });
  }
  return limits;
}

/** Mistakes in the providers of one chain over one interface, where the file has them. */
function checkProviders(group: readonly FileProvider[], specs: SpecSet): Mistake[] {
  const [{ chainId, apiInterface }] = group as readonly [FileProvider];
  const providers = group.map(({ config }) => config);
  const relay: RelayConfig = { chainId, specs, apiInterface: apiInterface as ApiInterface, providers };
  const mistakes = checkRelayConfig(relay).flatMap(({ path: [first, index, ...rest], message }) => {
    if (first !== "providers") return group.map(({ path }) => ({ path: [...path, kebab(first)], message }));
    const { path } = group[Number(index)] ?? group[0]!;
    return [{ path: [...path, ...rest.flatMap((part) => FILE_PLACES[part] ?? kebab(part))], message }];
  });
  return [...group.flatMap(uncheckedCertificates), ...mistakes];
}

/** Where a provider asks for TLS without a check of who is at the other end. */
function uncheckedCertificates({ members, path }: FileProvider): Mistake[] {
  return listOf(members["node-urls"]).flatMap((value, index) => {
    const { url, "auth-config": auth } = membersOf(value);
    const asks = membersOf(auth)["allow-insecure"] === true && !/^(?:http|ws|grpc):\/\//i.test(textOf(url));
    const place = [...path, "node-urls", index, "auth-config", "allow-insecure"];
    return asks ? [{ path: place, message: ALWAYS_CHECKED }] : [];
  });
}

const ALWAYS_CHECKED =
  "certificates are always checked; trust one by cacert-pem, or leave TLS out with http://, ws:// or grpc://";

/** Members that stand elsewhere in the file. */
const FILE_PLACES: Readonly<Record<string, readonly string[]>> = {
  authHeaders: ["auth-config", "auth-headers"],
  tls: ["auth-config"],
  allowInsecure: ["grpc-config", "allow-insecure"],
};

/** `nodeUrls` in the file's spelling, `node-urls`. */
function kebab(part: string | number | undefined): string | number {
  return typeof part === "number" ? part : (part ?? "").replace(/[A-Z]/g, (upper) => `-${upper.toLowerCase()}`);
}

function readEndpoint(
  members: Members,
  primaries: readonly FileProvider[],
  backups: readonly FileProvider[],
  specs: SpecSet,
): {
  readonly address: Address | undefined;
  readonly relay: RelayConfig;
  readonly own: readonly FileProvider[];
} {
  const chainId = textOf(members["chain-id"]);
  const apiInterface = textOf(members["api-interface"]);
  const isOwn = (p: FileProvider) => p.chainId === chainId && p.apiInterface === apiInterface;
  const own = primaries.filter(isOwn);
  const ownBackups = backups.filter(isOwn);
  const healthPath = textOf(members["health-check-path"]);
  const relay: RelayConfig = {
    chainId,
    specs,
    apiInterface: apiInterface as ApiInterface,
    providers: own.map(({ config }) => config),
    backupProviders: ownBackups.map(({ config }) => config),
    ...(healthPath !== "" && { healthCheckPath: healthPath }),
  };
  return { address: parseAddress(textOf(members["network-address"])), relay, own: [...own, ...ownBackups] };
}

function readProviders(file: Members, member: string, alias: string): FileProvider[] {
  return [member, alias].flatMap((name) =>
    listOf(file[name]).map((value, index) => {
      const members = membersOf(value);
      const { stake } = members;
      const config = {
        name: members["name"] === undefined ? `${DEFAULT_NAMES[member]}-${index + 1}` : textOf(members["name"]),
        nodeUrls: listOf(members["node-urls"]).map(readNodeUrl),
        ...(typeof stake === "number" && { stake }),
      };
      const chainId = textOf(members["chain-id"]);
      return { config, members, path: [name, index], chainId, apiInterface: textOf(members["api-interface"]) };
    })
  );
}

/** What providers without a name are called, with their place in the list. */
const DEFAULT_NAMES: Readonly<Record<string, string>> = {
  "static-providers": "provider",
  "backup-providers": "backup",
};

function readNodeUrl(value: unknown): NodeUrlConfig {
  const members = membersOf(value);
  const auth = membersOf(members["auth-config"]);
  return {
    url: textOf(members["url"]),
    internalPath: textOf(members["internal-path"]),
    addons: listOf(members["addons"]).map(textOf),
    timeoutMs: parseDuration(textOf(members["timeout"])) ?? 0,
    ipForwarding: members["ip-forwarding"] === true,
    methods: listOf(members["methods"]).map(textOf),
    skipVerifications: listOf(members["skip-verifications"]).map(textOf),
    authHeaders: Object.fromEntries(Object.entries(membersOf(auth["auth-headers"])).map(([k, v]) => [k, textOf(v)])),
    authQuery: textOf(auth["auth-query"]),
    ...grpcMembersOf(members, auth),
  };
}

/** Where an endpoint serves gRPC-Web, if it does. */
function readGrpcWeb(
  members: Members,
  address: Address,
  path: Mistake["path"],
  mistakes: Mistake[],
): Address | undefined {
  const web = parseAddress(textOf(members["grpc-web-address"]));
  if (web === undefined) return undefined;
  if (members["api-interface"] !== "grpc") mistakes.push({ path, message: "is for endpoints of grpc only" });
  if (isSameAddress(web, address)) {
    mistakes.push({ path, message: `${addressText(web)} is taken by the endpoint itself` });
  }
  return web;
}

/** What only gRPC nodes have, where it is there. */
function grpcMembersOf(members: Members, auth: Members): Pick<NodeUrlConfig, "allowInsecure" | "tls"> {
  const isAllowed = [membersOf(members["grpc-config"]), auth].some((config) => config["allow-insecure"] === true);
  const isInsecure = isAllowed && auth["use-tls"] !== true;
  const [cacertPem, certPem, keyPem] = ["cacert-pem", "cert-pem", "key-pem"].map((name) => textOf(auth[name]));
  const tls: NodeTlsConfig = {
    ...(cacertPem && { cacertPem }),
    ...(certPem && { certPem }),
    ...(keyPem && { keyPem }),
  };
  return { ...(isInsecure && { allowInsecure: true }), ...(Object.keys(tls).length > 0 && { tls }) };
}

/** The first mistake of each place: later ones follow from it. Unknown members are each a mistake of their own. */
function onePerPlace(mistakes: readonly Mistake[]): Mistake[] {
  const seen = new Set<string>();
  return mistakes.filter((mistake) => {
    const place = mistake.message.startsWith("unknown ") ? describeMistake(mistake) : mistake.path.join("\n");
    return !seen.has(place) && seen.add(place);
  });
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
