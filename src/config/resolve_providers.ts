import { canSend } from "./headers.ts";
import { NodeHealth } from "../providers/node_health.ts";
import type { NodeTls, NodeUrl, Provider } from "../providers/provider.ts";
import { type Mistake, unknownName } from "./mistake.ts";
import type { NodeUrlConfig, ProviderConfig } from "./relay_config.ts";

/** Collects the providers of a configuration, and every mistake in them. */
export interface ProviderResolver {
  readonly providers: Provider[];
  readonly mistakes: Mistake[];
  /** Add-ons and extensions that the chain spec knows. */
  readonly serviceNames: ReadonlySet<string>;
  /** Whether the nodes speak gRPC; default false. */
  readonly isGrpc?: boolean;
  /** Whether there may be providers that only serve subscriptions; default false. */
  readonly hasSubscriptions?: boolean;
}

/** Longest provider name. */
const MAX_NAME_CHARS = 128;

/** Takes in one list of providers, found at `path` of the configuration. */
export function resolveProviders(
  into: ProviderResolver,
  configs: readonly ProviderConfig[],
  path: Mistake["path"],
  isBackup: boolean,
): void {
  const names = new Set(into.providers.map(({ name }) => name));
  configs.forEach(({ name, nodeUrls, stake }, index) => {
    const at = [...path, index];
    if (!isName(name)) {
      into.mistakes.push({
        path: [...at, "name"],
        message: `must be 1 to ${MAX_NAME_CHARS} printable ASCII characters without a comma`,
      });
    }
    if (names.has(name)) {
      into.mistakes.push({
        path: [...at, "name"],
        message: `"${name}" is taken by another provider; names are unique`,
      });
    }
    const mistakesBefore = into.mistakes.length;
    const resolved = nodeUrls.flatMap((url, i) => resolveNodeUrl(into, url, [...at, "nodeUrls", i]) ?? []);
    const [socketUrls, callUrls] = [resolved.filter(isSocketUrl), resolved.filter((url) => !isSocketUrl(url))];
    const isSocketsOnly = into.hasSubscriptions && socketUrls.length > 0;
    if (callUrls.length === 0 && !isSocketsOnly && into.mistakes.length === mistakesBefore) {
      into.mistakes.push(noCallUrl(at, into.isGrpc ? "grpc(s)" : "http(s)"));
    }
    if (stake !== undefined && !(Number.isSafeInteger(stake) && stake >= 0)) {
      into.mistakes.push({ path: [...at, "stake"], message: "must be a whole number, 0 or more" });
    }
    names.add(name);
    into.providers.push({ name, isBackup, stake, nodeUrls: callUrls, socketUrls });
  });
}

/** That nobody of those found at `path` can be called, which is a mistake of the first one. */
export function checkCallUrls(into: ProviderResolver, path: Mistake["path"]): void {
  if (into.mistakes.length > 0 || into.providers.some(({ nodeUrls }) => nodeUrls.length > 0)) return;
  into.mistakes.push(noCallUrl([...path, 0], "http(s)"));
}

function noCallUrl(path: Mistake["path"], what: string): Mistake {
  return { path: [...path, "nodeUrls"], message: `has no ${what} URL; calls need at least one` };
}

function isName(name: string): boolean {
  return name.length <= MAX_NAME_CHARS && /^[!-+\--~](?:[ -+\--~]*[!-+\--~])?$/.test(name);
}

function isSocketUrl({ target }: NodeUrl): boolean {
  return target.startsWith("ws");
}

/** Undefined for a URL that can't be used. */
function resolveNodeUrl(into: ProviderResolver, config: NodeUrlConfig, path: Mistake["path"]): NodeUrl | undefined {
  const complain = (member: string, message: string) => into.mistakes.push({ path: [...path, member], message });
  for (const addon of config.addons ?? []) {
    // Of a chain that is not known, its add-ons are not known either.
    if (into.serviceNames.size === 0 || into.serviceNames.has(addon)) continue;
    complain("addons", unknownName("add-on", addon, [...into.serviceNames]));
  }
  if (config.internalPath && !config.internalPath.startsWith("/")) complain("internalPath", 'must start with "/"');
  const isSendable = canSend(config.authHeaders ?? {});
  if (!isSendable) complain("authHeaders", "holds a name or a value that HTTP does not allow");
  // A URL may hold a key, so that no message quotes one.
  const url = into.isGrpc ? parseGrpcUrl(config, complain) : parseUrl(config.url);
  if (url === undefined) {
    const example = into.isGrpc ? "grpcs://host:port" : "https://host:port/path";
    complain("url", `is not a URL; write ${example} or host:port`);
    return undefined;
  }
  if (!SCHEMES.includes(url.protocol)) {
    complain("url", `has the scheme ${url.protocol} and a jsonrpc provider is reached by http, https, ws or wss`);
    return undefined;
  }
  const tls = checkTls(config, complain);
  if (tls !== undefined && !into.isGrpc && url.protocol !== "https:") {
    complain("tls", "TLS options are for https and grpcs URLs");
  }
  // What is configured takes the place of what the URL says.
  const headers = new Headers(takeCredentials(url));
  for (const [name, value] of isSendable ? Object.entries(config.authHeaders ?? {}) : []) headers.set(name, value);
  if (config.authQuery) {
    url.search = [url.search.slice(1), config.authQuery.replace(/^[?&]/, "")].filter(Boolean).join("&");
  }
  return {
    target: into.isGrpc ? url.href.replace(/^http/, "grpc") : url.href,
    internalPath: config.internalPath ?? "",
    headers: [...headers],
    extraTimeoutMs: config.timeoutMs ?? 0,
    addOns: new Set(config.addons),
    methods: config.methods?.length ? new Set(config.methods) : undefined,
    forwardsAddress: config.ipForwarding ?? false,
    health: new NodeHealth(),
    skipVerifications: new Set(config.skipVerifications),
    tls,
  };
}

type Complain = (member: string, message: string) => void;

/** A gRPC node's URL, as one that the platform can read: `https` for `grpcs`. A bare `host:port` means what is allowed. */
function parseGrpcUrl({ url: text, allowInsecure = false }: NodeUrlConfig, complain: Complain): URL | undefined {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== "grpc" && scheme !== "grpcs") {
    complain(
      "url",
      `has the scheme ${scheme}: and a grpc provider is reached by grpcs, or by grpc with allow-insecure`,
    );
    return undefined;
  }
  if (scheme === "grpc" && !allowInsecure) {
    complain("url", "has the scheme grpc:, which has no TLS; write grpcs: or set allow-insecure to true");
  }
  const isSecure = scheme === "grpcs" || (scheme === undefined && !allowInsecure);
  return parseUrl(`${isSecure ? "https" : "http"}://${text.replace(/^[a-z]+:\/\//i, "")}`);
}

/** TLS options that make sense together; undefined for none. */
function checkTls({ tls }: NodeUrlConfig, complain: Complain): NodeTls | undefined {
  if (tls === undefined || Object.keys(tls).length === 0) return undefined;
  const { cacertPem, certPem, keyPem } = tls;
  if ((certPem === undefined) !== (keyPem === undefined)) complain("tls", "cert-pem and key-pem go together");
  for (const [member, pem] of Object.entries(tls)) {
    if (!String(pem).includes("-----BEGIN ")) complain("tls", `${member.replace("Pem", "-pem")} is not PEM`);
  }
  return { ...(cacertPem && { caPem: cacertPem }), ...(certPem && { certPem }), ...(keyPem && { keyPem }) };
}
const SCHEMES = ["http:", "https:", "ws:", "wss:"];

/** `host`, `host:port`, with credentials before it, and a path or a query behind it. */
const BARE = /^(?:[^/?#@\s]*@)?(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d+)?(?:[/?].*)?$/i;

/** A bare `host:port` means https. */
function parseUrl(text: string): URL | undefined {
  try {
    const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
    if (!hasScheme && !BARE.test(text)) return undefined;
    const url = new URL(hasScheme ? text : `https://${text}`);
    return url.hostname === "" ? undefined : url;
  } catch {
    return undefined;
  }
}

/** Takes user and password out of the URL: `fetch` wants them as a header. */
function takeCredentials(url: URL): [string, string][] {
  if (url.username === "" && url.password === "") return [];
  const credentials = [url.username, url.password].map(decodePercent).join(":");
  url.username = "";
  url.password = "";
  return [["authorization", `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(credentials)))}`]];
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
