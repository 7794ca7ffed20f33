import { systemClock } from "../../mod.ts";
import type { Transport } from "../../src/providers/transport.ts";
import { createFetchTransport } from "../../src/transports/fetch.ts";
import { denoConnect } from "../../src/transports/http1/deno_connect.ts";
import { nodeConnect } from "../../src/transports/http1/node_connect.ts";
import { Http1Transport } from "../../src/transports/http1/transport.ts";

const limits = { maxReplyBytes: 1_000_000 };

/** A transport towards nodes over TLS. */
export interface TlsTransport {
  readonly transport: Transport;
  /** Whether a node URL is to say which authority it trusts; else the transport trusts it already. */
  readonly hasOwnTls: boolean;
  end(): void;
}

/** The transports, made to trust an authority. */
export const TLS_TRANSPORTS: Readonly<Record<string, (caPem: string) => TlsTransport>> = {
  "fetch": (caPem) => {
    const client = Deno.createHttpClient({ caCerts: [caPem] });
    const transport = createFetchTransport((url, init) => fetch(url, { ...init, client }), systemClock, limits);
    return { transport, hasOwnTls: false, end: () => client.close() };
  },
  "http1 over Deno's sockets": () => http1(new Http1Transport({ connect: denoConnect, clock: systemClock }, limits)),
  "http1 over node:tls": () => http1(new Http1Transport({ connect: nodeConnect, clock: systemClock }, limits)),
};

function http1(transport: Http1Transport): TlsTransport {
  return { transport, hasOwnTls: true, end: () => transport.close() };
}
