import type { EndpointConfig } from "../config/file_content.ts";
import type { RelayFlags } from "../config/flags.ts";
import type { RelayConfig } from "../config/relay_config.ts";
import { NO_TLS_OPTIONS } from "../config/upstream_transport.ts";
import { denoConnect } from "../transports/http1/deno_connect.ts";
import { processEnvironment } from "./process_environment.ts";

/** Opens connections to nodes. */
export const upstreamConnect = denoConnect;

const PROXY_VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

/** How calls reach nodes: where the environment names a proxy, `auto` leaves it to `fetch`, which heeds it. */
export function upstreamTransport(flags: RelayFlags): NonNullable<RelayConfig["upstreamTransport"]> {
  const choice = flags["upstream-transport"];
  if (choice !== "auto") return choice;
  return hasProxy() ? "fetch" : "auto";
}

/** Whether the environment names a proxy. */
export function hasProxy(): boolean {
  const names = PROXY_VARIABLES.flatMap((name) => [name, name.toLowerCase()]);
  const environment = processEnvironment();
  return names.some((name) => environment.get(name));
}

/** What the endpoints ask of the transport that it does not have. */
export function upstreamMistakes(flags: RelayFlags, endpoints: readonly EndpointConfig[]): string[] {
  if (upstreamTransport(flags) !== "fetch") return [];
  const needTls = endpoints.flatMap(({ relay: { apiInterface, providers, backupProviders = [] } }) =>
    apiInterface === "grpc" ? [] : [...providers, ...backupProviders].filter(({ nodeUrls }) => nodeUrls.some(hasTls))
  );
  return [...new Set(needTls.map(({ name }) => `provider ${name}: ${NO_TLS_OPTIONS}`))];
}

function hasTls({ tls }: { readonly tls?: object }): boolean {
  return tls !== undefined && Object.keys(tls).length > 0;
}
