import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../src/domain/clock.ts";
import { createDenoWire } from "../../src/http2/deno_wire.ts";
import { createNodeWire } from "../../src/http2/node_wire.ts";
import type { Http2ClientOptions, Http2Wire } from "../../src/http2/port.ts";
import { makeCertificates } from "../support/certificates.ts";
import { accept, open } from "../support/http2_streams.ts";

const WIRES: Readonly<Record<string, () => Http2Wire>> = {
  deno: () => createDenoWire(systemClock),
  node: () => createNodeWire(),
};

const certificates = await makeCertificates();

for (const [serverName, createServer] of Object.entries(WIRES)) {
  for (const [clientName, createClient] of Object.entries(WIRES)) {
    Deno.test(`TLS: ${serverName} server, ${clientName} client`, async () => {
      if (certificates === undefined) return;
      const server = await createServer().listen({
        hostname: "127.0.0.1",
        port: 0,
        tls: certificates.server,
        onStream(incoming) {
          const side = accept(incoming);
          side.stream.sendHead([[":status", "200"]], true);
          return side;
        },
      });
      const connect = (options: Partial<Http2ClientOptions>) =>
        createClient().connect({ hostname: "127.0.0.1", port: server.port, ...options });
      try {
        const connected = await connect({ tls: { caPem: certificates.caPem } });
        assert(connected.kind === "connected");
        const call = open(connected.client, "/x", true);
        assertEquals(await call.over.promise, undefined);
        connected.client.close();
        await connected.client.closed;
        const reason = "TLS could not be established";
        assertEquals(await connect({ tls: {} }), { kind: "failure", reason }, "an authority that is not trusted");
      } finally {
        await server.close();
      }
    });
  }
}

Deno.test("a server that speaks TLS and not HTTP/2 is told apart", async () => {
  if (certificates === undefined) return;
  const { certPem: cert, keyPem: key } = certificates.server;
  const plain = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key });
  const accepting = plain.accept().then(async (conn) => {
    await conn.handshake().catch(() => {});
    conn.close();
  });
  const { port } = plain.addr as Deno.NetAddr;
  const tls = { caPem: certificates.caPem };
  const result = await createDenoWire(systemClock).connect({ hostname: "127.0.0.1", port, tls });
  assertEquals(result, { kind: "failure", reason: "it does not speak HTTP/2 over TLS (ALPN)" });
  await accepting;
  plain.close();
});
