import type { Clock } from "../domain/clock.ts";
import type { Provider } from "../providers/provider.ts";
import type { Transport } from "../providers/transport.ts";
import { createFetchTransport, type Fetch, type FetchTransportOptions } from "../transports/fetch.ts";
import type { Connect } from "../transports/http1/connection.ts";
import { Http1Transport } from "../transports/http1/transport.ts";
import type { Mistake } from "./mistake.ts";
import type { RelayConfig } from "./relay_config.ts";

/** A transport that may hold connections. */
export interface UpstreamTransport extends Transport {
  close?(): void;
}

/** Chooses how calls over HTTP reach nodes. */
export function createUpstreamTransport(
  choice: NonNullable<RelayConfig["upstreamTransport"]>,
  providers: readonly Provider[],
  { fetch, connect, clock }: { readonly fetch: Fetch; readonly connect?: Connect | undefined; readonly clock: Clock },
  options: FetchTransportOptions,
):
  | { readonly kind: "transport"; readonly transport: UpstreamTransport }
  | { readonly kind: "mistake"; readonly mistake: Mistake } {
  if (choice === "http1" && connect === undefined) {
    return { kind: "mistake", mistake: { path: ["upstreamTransport"], message: "http1 needs a connect" } };
  }
  const fetching = createFetchTransport(fetch, clock, options);
  if (choice !== "fetch" && connect !== undefined) {
    const fallback = choice === "auto" ? fetching : undefined;
    return { kind: "transport", transport: new Http1Transport({ connect, clock, fallback }, options) };
  }
  if (providers.some(({ nodeUrls }) => nodeUrls.some(({ tls }) => tls !== undefined))) {
    return { kind: "mistake", mistake: { path: ["providers"], message: NO_TLS_OPTIONS } };
  }
  return { kind: "transport", transport: fetching };
}

/** What is said of TLS options of a node URL that `fetch` would have to heed. */
export const NO_TLS_OPTIONS =
  "TLS options of https node URLs need HTTP/1.1 over the relay's own connections, and fetch is used here";
