import { assert, assertEquals } from "@std/assert";
import { writeConfig } from "../support/config.ts";
import { startRelay } from "../support/relay_process.ts";
import { type Certificates, makeCertificates } from "../support/signed_certificates.ts";

/** A node over TLS that answers each call with its own name. */
async function startNode(name: string, { pair }: Certificates, certificate: Parameters<Certificates["pair"]>[0]) {
  const { certPem: cert, keyPem: key } = await pair(certificate);
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, cert, key, onListen() {} }, async (request) => {
    const { id } = await request.json();
    return Response.json({ jsonrpc: "2.0", id, result: name });
  });
  return { name, url: `https://127.0.0.1:${server.addr.port}`, [Symbol.asyncDispose]: () => server.shutdown() };
}

for (const transport of ["http1", "fetch"]) {
  Deno.test(`${transport}: nodes whose certificates do not hold are never asked, and the one that holds is`, async () => {
    await using certificates = await makeCertificates();
    await using strangers = await makeCertificates();
    if (certificates === undefined || strangers === undefined) return;
    await using other = await startNode("other", certificates, "other");
    await using expired = await startNode("expired", certificates, "expired");
    await using untrusted = await startNode("untrusted", strangers, "good");
    await using good = await startNode("good", certificates, "good");
    await using config = await writeConfig([other, expired, untrusted], [good]);
    const args = [config.path, `--upstream-transport=${transport}`];
    await using relay = await startRelay(args, { env: { DENO_CERT: `${certificates.folder}/ca.pem` } });
    const call = async (headers: Record<string, string> = {}) => {
      const response = await fetch(relay.urls[0]!, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: '{"jsonrpc":"2.0","id":7,"method":"eth_chainId","params":[]}',
      });
      const text = await response.text();
      assert(!text.includes("127.0.0.1"), "no URL of a node in an answer");
      const { result, error } = JSON.parse(text);
      return [response.status, result ?? error.data.code];
    };
    assertEquals(await call(), [200, "good"]);
    for (const { name } of [other, expired, untrusted]) {
      assertEquals(await call({ "lava-select-provider": name }), [502, "upstream_unreachable"], name);
      assertEquals(await call(), [200, "good"], `after ${name}`);
    }
    relay.kill("SIGTERM");
    assertEquals(await relay.exited, 0);
  });
}
