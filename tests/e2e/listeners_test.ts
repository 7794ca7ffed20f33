import { connect } from "node:http2";
import { assertEquals } from "@std/assert";
import { makeCertificates } from "../support/certificates.ts";
import { startRelay } from "../support/relay_process.ts";

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

/** A node that answers every call, and says which verb and path it was asked with. */
function startNode() {
  const asked: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    asked.push(`${request.method} ${new URL(request.url).pathname}`);
    await request.body?.cancel();
    return Response.json({ jsonrpc: "2.0", id: 1, result: "0x1" });
  });
  return { url: `http://127.0.0.1:${server.addr.port}`, asked, [Symbol.asyncDispose]: () => server.shutdown() };
}

const CALL = '{"jsonrpc":"2.0","id":7,"method":"eth_chainId"}';

for (const server of ["own", "deno"]) {
  Deno.test(`several chains and interfaces share one port by path, over TLS, with --http-server ${server}`, () =>
    sharedPort(server));
}

async function sharedPort(server: string): Promise<void> {
  const certificates = await makeCertificates();
  if (certificates === undefined) return;
  const folder = await Deno.makeTempDir();
  const [certFile, keyFile] = [`${folder}/cert.pem`, `${folder}/key.pem`];
  await Deno.writeTextFile(certFile, certificates.server.certPem);
  await Deno.writeTextFile(keyFile, certificates.server.keyPem);
  await using node = startNode();
  const port = freePort();
  const interfaces = [["ETH1", "jsonrpc"], ["BASE", "jsonrpc"], ["COSMOSHUB", "rest"], ["COSMOSHUB", "tendermintrpc"]];
  const common = (chain: string, apiInterface: string) => ({ "chain-id": chain, "api-interface": apiInterface });
  const path = `${folder}/relay.yml`;
  await Deno.writeTextFile(
    path,
    JSON.stringify({
      "endpoints": interfaces.map(([chain, apiInterface]) => ({
        ...common(chain!, apiInterface!),
        "network-address": `127.0.0.1:${port}`,
        "tls-enabled": true,
        "tls-cert-file": certFile,
        "tls-key-file": keyFile,
      })),
      "static-providers": interfaces.map(([chain, apiInterface]) => ({
        ...common(chain!, apiInterface!),
        "name": `${chain}-${apiInterface}`,
        "node-urls": [{ url: node.url, "skip-verifications": ["*"] }],
      })),
    }),
  );
  try {
    await using relay = await startRelay([path, `--http-server=${server}`], { listeners: interfaces.length });
    const base = `https://127.0.0.1:${port}`;
    using client = Deno.createHttpClient({ caCerts: [certificates.caPem] });
    using oldClient = Deno.createHttpClient({ caCerts: [certificates.caPem], http2: false });
    const post = (url: string, through = client) =>
      fetch(url, { client: through, method: "POST", headers: { "content-type": "application/json" }, body: CALL });

    for (const through of [client, oldClient]) {
      const answer = await post(`${base}/eth1/jsonrpc`, through);
      assertEquals([answer.status, (await answer.json()).id], [200, 7]);
    }
    assertEquals((await (await post(`${base}/BASE/jsonrpc`)).json()).id, 7);
    const rest = await fetch(`${base}/cosmoshub/rest/cosmos/bank/v1beta1/supply`, { client });
    assertEquals([rest.status, rest.headers.get("lava-user-request-type")], [200, "/cosmos/bank/v1beta1/supply"]);
    await rest.body?.cancel();
    const uri = await fetch(`${base}/cosmoshub/tendermintrpc/health`, { client });
    assertEquals([uri.status, uri.headers.get("lava-user-request-type")], [200, "health"]);
    await uri.body?.cancel();
    const nothing = await fetch(`${base}/`, { client });
    assertEquals([nothing.status, (await nothing.json()).error], [404, "not_found"]);
    const calls = node.asked.filter((line) => line.startsWith("GET"));
    assertEquals(calls, ["GET /cosmos/bank/v1beta1/supply", "GET /health"]);

    const connection = await Deno.connectTls({
      hostname: "127.0.0.1",
      port,
      caCerts: [certificates.caPem],
      alpnProtocols: ["h2", "http/1.1"],
    });
    assertEquals((await connection.handshake()).alpnProtocol, server === "own" ? "http/1.1" : "h2");
    connection.close();

    relay.kill("SIGTERM");
    assertEquals(await relay.exited, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("without a certificate that can be read nothing listens", async () => {
  const path = await Deno.makeTempFile({ suffix: ".yml" });
  const endpoint = { "chain-id": "ETH1", "api-interface": "jsonrpc" };
  const tls = { "tls-enabled": true, "tls-cert-file": "/nowhere/cert.pem", "tls-key-file": path };
  await Deno.writeTextFile(
    path,
    JSON.stringify({
      "endpoints": [{ ...endpoint, "network-address": "127.0.0.1:0", ...tls }],
      "static-providers": [{ ...endpoint, "name": "a", "node-urls": [{ url: "http://127.0.0.1:1" }] }],
    }),
  );
  try {
    const failed = await startRelay([path]).then(() => "", (error) => String(error));
    for (
      const words of [
        "ended with 2",
        "endpoints[0].tls-cert-file: /nowhere/cert.pem: can't be read",
        "endpoints[0].tls-key-file",
        "is no private key",
      ]
    ) {
      assertEquals([words, failed.includes(words)], [words, true], failed);
    }
  } finally {
    await Deno.remove(path);
  }
});

/** One POST over HTTP/2 and nothing else. */
function postHttp2(origin: string, path: string, ca: string): Promise<{ status: unknown; text: string }> {
  const session = connect(origin, { ca });
  return new Promise<{ status: unknown; text: string }>((resolve, reject) => {
    session.on("error", reject);
    const stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/json" });
    let [status, text]: [unknown, string] = [undefined, ""];
    stream.setEncoding("utf8").on("response", (headers) => status = headers[":status"]);
    stream.on("data", (chunk: string) => text += chunk).on("error", reject).on("end", () => resolve({ status, text }));
    stream.end(CALL);
  }).finally(() => session.destroy());
}

Deno.test("endpoints are served at the paths that they name: calls by HTTP/2, WebSockets and health", async () => {
  const certificates = await makeCertificates();
  if (certificates === undefined) return;
  const folder = await Deno.makeTempDir();
  const tls = { "tls-enabled": true, "tls-cert-file": `${folder}/cert.pem`, "tls-key-file": `${folder}/key.pem` };
  await Deno.writeTextFile(tls["tls-cert-file"], certificates.server.certPem);
  await Deno.writeTextFile(tls["tls-key-file"], certificates.server.keyPem);
  await using node = startNode();
  const [port, alone] = [freePort(), freePort()];
  const eth = { "chain-id": "ETH1", "api-interface": "jsonrpc" };
  const at = (port: number, path: string) => ({ ...eth, ...tls, "network-address": `127.0.0.1:${port}`, path });
  const endpoints = [at(port, "/main/Eth"), { ...at(port, "/main"), "health-check-path": "/up" }, at(alone, "/only")];
  const path = `${folder}/relay.yml`;
  const providers = [{ ...eth, "name": "a", "node-urls": [{ url: node.url, "skip-verifications": ["*"] }] }];
  await Deno.writeTextFile(path, JSON.stringify({ endpoints, "static-providers": providers }));
  try {
    await using relay = await startRelay([path], { listeners: endpoints.length });
    using client = Deno.createHttpClient({ caCerts: [certificates.caPem] });
    const [shared, own] = [`https://127.0.0.1:${port}`, `https://127.0.0.1:${alone}`];
    for (const [origin, path] of [[shared, "/main/eth"], [shared, "/main"], [own, "/only"]] as const) {
      const { status, text } = await postHttp2(origin, path, certificates.caPem);
      assertEquals([status, JSON.parse(text)], [200, { jsonrpc: "2.0", id: 7, result: "0x1" }]);

      const socket = new WebSocket(`${origin.replace("https", "wss")}${path}`, { client });
      const answer = new Promise<string>((resolve, reject) => {
        socket.onopen = () => socket.send(CALL);
        socket.onmessage = ({ data }) => resolve(data);
        socket.onerror = () => reject(new Error(`the WebSocket at ${path} failed`));
      });
      const closed = new Promise((resolve) => socket.onclose = resolve);
      assertEquals(JSON.parse(await answer), { jsonrpc: "2.0", id: 7, result: "0x1" });
      socket.close();
      await closed;
    }
    const status = async (url: string) => {
      const response = await fetch(url, { client });
      await response.body?.cancel();
      return response.status;
    };
    for (const url of [`${shared}/main/eth/lava/health`, `${shared}/main/up`, `${own}/only/lava/health`]) {
      assertEquals([url, await status(url)], [url, 200]);
    }
    for (const url of [`${shared}/eth1/jsonrpc`, `${shared}/up`, `${own}/`, `${own}/lava/health`]) {
      assertEquals([url, await status(url)], [url, 404]);
    }
    relay.kill("SIGTERM");
    assertEquals(await relay.exited, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
