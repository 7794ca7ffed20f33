import { addressText, isSameAddress, parseAddress } from "../config/address.ts";
import { checkRelayConfig } from "../config/resolve_config.ts";
import type { ConfigDocument } from "../config/config_document.ts";
import { readDocument } from "../config/config_file.ts";
import type { EndpointConfig } from "../config/file_content.ts";
import { describeMistake } from "../config/mistake.ts";
import type { ProjectLimit } from "../relay/project_budgets.ts";
import type { RelayConfig } from "../config/relay_config.ts";
import { API_INTERFACES, type ApiInterface } from "../domain/api_interface.ts";
import { compileMatcher } from "../spec/matcher.ts";
import type { SpecSet } from "../spec/spec_set.ts";
import { readCertificate } from "./listener_certificate.ts";

/** What is to be served, and everything that is wrong with how that was said. */
export interface ReadEndpoints {
  readonly endpoints: readonly EndpointConfig[];
  /** What projects may use. */
  readonly projects: readonly ProjectLimit[];
  readonly mistakes: readonly string[];
  readonly warnings: readonly string[];
}

/** Reads what the configuration file that a command names says of endpoints, providers and projects. */
export function readFile(path: string, document: ConfigDocument, specs: SpecSet): ReadEndpoints {
  const { endpoints, projects, mistakes, warnings } = readDocument(document, specs, (files) => {
    const read = readCertificate(files);
    return read.kind === "mistakes" ? read.mistakes : [];
  });
  return { endpoints, projects, mistakes: mistakes.map((mistake) => `${path}: ${describeMistake(mistake)}`), warnings };
}

/** Reads `LISTEN CHAIN INTERFACE` triples, all of which ask the same upstreams. */
export function readTriples(
  positionals: readonly string[],
  upstreams: readonly string[],
  specs: SpecSet,
  allowInsecure = false,
): ReadEndpoints {
  const mistakes: string[] = [];
  const endpoints: EndpointConfig[] = [];
  if (positionals.length === 0 || positionals.length % 3 !== 0) {
    mistakes.push("name one configuration file, or all of LISTEN CHAIN INTERFACE, such as 127.0.0.1:3333 ETH1 jsonrpc");
  }
  if (upstreams.length === 0) mistakes.push("without a configuration file, --upstream URL says who is asked");
  for (let i = 0; i + 2 < positionals.length; i += 3) {
    const [listen, chainId, interfaceName] = positionals.slice(i, i + 3) as [string, string, string];
    const address = parseAddress(listen);
    if (address === undefined) mistakes.push(`LISTEN: "${listen}" is not host:port`);
    const apiInterface = API_INTERFACES.find((known) => known === interfaceName);
    if (apiInterface === undefined) {
      mistakes.push(`INTERFACE: "${interfaceName}" is not one of ${API_INTERFACES.join(", ")}`);
    }
    const relay: RelayConfig = {
      chainId,
      specs,
      apiInterface: apiInterface ?? "jsonrpc",
      providers: providersOf(upstreams, chainId, apiInterface ?? "jsonrpc", specs, allowInsecure),
    };
    for (const { path, message } of checkRelayConfig(relay)) {
      if (path[0] === "providers" && path.length === 1) continue;
      mistakes.push(path[0] === "providers" ? `--upstream: ${message}` : message);
    }
    if (address === undefined) continue;
    if (endpoints.some((other) => isSameAddress(other.address, address))) {
      mistakes.push(`LISTEN: ${addressText(address)} is taken by another listener`);
    }
    endpoints.push({ address, relay });
  }
  return { endpoints, projects: [], mistakes: [...new Set(mistakes)], warnings: [] };
}

/** Providers for bare URLs. Nothing is known about them, so that they are asked for everything the chain has. */
function providersOf(
  upstreams: readonly string[],
  chainId: string,
  apiInterface: ApiInterface,
  specs: SpecSet,
  allowInsecure: boolean,
): RelayConfig["providers"] {
  const expansion = specs.expand(chainId);
  const addons = expansion.kind === "spec" ? [...compileMatcher(expansion.spec, apiInterface)?.serviceNames ?? []] : [];
  // Nor is it known whether they are what the chain spec says: a node for development mostly is not.
  const nodeUrlOf = (url: string) => ({
    url,
    addons,
    skipVerifications: ["*"],
    ...(allowInsecure && { allowInsecure }),
  });
  const isSocket = (url: string) => /^wss?:/i.test(url);
  const calls = upstreams.filter((url) => !isSocket(url));
  const sockets = upstreams.filter(isSocket);
  // A WebSocket URL is of the provider at the same host, or of the first one.
  const ownerOf = (url: string) => Math.max(0, calls.findIndex((call) => hostOf(call) === hostOf(url)));
  if (calls.length === 0) return sockets.map((url) => ({ name: "upstream", nodeUrls: [nodeUrlOf(url)] }));
  return calls.map((url, index) => ({
    name: calls.length === 1 ? "upstream" : `upstream-${index + 1}`,
    nodeUrls: [url, ...sockets.filter((socket) => ownerOf(socket) === index)].map(nodeUrlOf),
  }));
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}
