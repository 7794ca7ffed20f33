import { assertEquals } from "@std/assert";
import type { NodeTls } from "../../src/providers/provider.ts";
import { requestOf, sendTo } from "../support/http1_transports.ts";
import { nodeUrlOf } from "../support/node_url.ts";
import { type Certificates, makeCertificates, type Name } from "../support/signed_certificates.ts";
import { TLS_TRANSPORTS } from "../support/tls_transports.ts";

async function startTls(certificates: Certificates, name: Name, port = 0) {
  const { certPem: cert, keyPem: key } = await certificates.pair(name);
  const options = { hostname: "127.0.0.1", port, cert, key, onListen() {} };
  const server = Deno.serve(options, async (request) => new Response(await request.text()));
  return { port: server.addr.port, [Symbol.asyncDispose]: () => server.shutdown() };
}

for (const [name, create] of Object.entries(TLS_TRANSPORTS)) {
  Deno.test(`${name}: certificates that do not hold are refused before a request is sent`, async () => {
    await using certificates = await makeCertificates();
    if (certificates === undefined) return;
    const { caPem } = certificates;
    const { transport, hasOwnTls, end } = create(caPem);
    const ask = async (port: number, tls: NodeTls | undefined = hasOwnTls ? { caPem } : undefined) => {
      const target = nodeUrlOf(`https://127.0.0.1:${port}/s3cret`, { tls });
      const result = await sendTo(transport, target, requestOf("hi"));
      return result.kind === "reply" ? String(result.reply.status) : `${result.error.code}: ${result.error.message}`;
    };
    const refused = "upstream_unreachable: TLS could not be established";
    await using good = await startTls(certificates, "good");
    assertEquals(await ask(good.port), "200");
    for (const wrong of ["other", "expired"] as const) {
      await using bad = await startTls(certificates, wrong);
      assertEquals(await ask(bad.port), refused, wrong);
      assertEquals(await ask(bad.port), refused, `${wrong}, again`);
    }
    // Without the authority nobody vouches for it; no TLS at all is no certificate either.
    if (hasOwnTls) assertEquals(await ask(good.port, {}), refused);
    await using plain = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => new Response());
    assertEquals(await ask(plain.addr.port), refused);
    assertEquals(await ask(good.port), "200", "the next request is unharmed");
    end();
  });

  Deno.test(`${name}: a node whose certificate expires and is renewed`, async () => {
    await using certificates = await makeCertificates();
    if (certificates === undefined) return;
    const { caPem } = certificates;
    const { transport, hasOwnTls, end } = create(caPem);
    const answers: string[] = [];
    let port = 0;
    for (const certificate of ["good", "expired", "good"] as const) {
      await using node = await startTls(certificates, certificate, port);
      port = node.port;
      const tls = hasOwnTls ? { caPem } : undefined;
      const ask = async () => {
        const result = await sendTo(transport, nodeUrlOf(`https://127.0.0.1:${port}/`, { tls }), requestOf("hi"));
        return result.kind === "reply" ? String(result.reply.status) : result.error.code;
      };
      const answer = await ask();
      // The end of the connection before may be heard of only with the request.
      answers.push(answer === "upstream_disconnected" ? await ask() : answer);
    }
    assertEquals(answers, ["200", "upstream_unreachable", "200"]);
    end();
  });
}
