import { assertEquals } from "@std/assert";
import { silentLog } from "../../src/domain/log.ts";
import { listenOwn } from "../../src/hosts/http1/listen.ts";
import { makeCertificates } from "../support/certificates.ts";

const body = new Uint8Array(3_000_000).fill(97);
const handler = {
  handle: () => Promise.resolve({ status: 200, fields: [], body }),
  accept: () => ({ status: 501, fields: [], body: null }),
};

Deno.test("TLS: large answers, a last one, clients without a protocol in common or without TLS", async () => {
  const certificates = await makeCertificates();
  if (certificates === undefined) return;
  const { certPem: cert, keyPem: key } = certificates.server;
  const limits = { headerTimeoutMs: 5_000, idleTimeoutMs: 5_000, maxConnections: 1 };
  const listener = listenOwn({ hostname: "127.0.0.1", port: 0 }, { handler, log: silentLog }, limits, { cert, key });
  const { port } = listener;
  using client = Deno.createHttpClient({ caCerts: [certificates.caPem], poolMaxIdlePerHost: 0 });
  for (const headers of [{}, { connection: "close" }]) {
    const response = await fetch(`https://127.0.0.1:${port}/`, { client, headers });
    assertEquals((await response.bytes()).length, body.length);
  }

  const plain = await Deno.connect({ hostname: "127.0.0.1", port });
  await plain.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
  // The alert of TLS comes, and the end.
  for (const into = new Uint8Array(100); await plain.read(into).catch(() => null) !== null;);
  plain.close();
  const modern = await Deno.connectTls({
    hostname: "127.0.0.1",
    port,
    caCerts: [certificates.caPem],
    alpnProtocols: ["h2"],
  });
  assertEquals(await modern.handshake().then(() => "", (error) => /NoApplicationProtocol/.test(String(error))), true);
  modern.close();

  // One that does not get on with its handshake counts as long as it is there, and holds nobody up at the end.
  const silent = await Deno.connect({ hostname: "127.0.0.1", port });
  const waiting = fetch(`https://127.0.0.1:${port}/`, { client });
  silent.close();
  assertEquals((await (await waiting).bytes()).length, body.length);
  const other = await Deno.connect({ hostname: "127.0.0.1", port });
  await listener.shutdown();
  other.close();
});
