import { assert, assertEquals } from "@std/assert";
import { startAnvil } from "../../examples/demo/anvil.ts";
import { systemClock } from "../../mod.ts";
import type { NodeTls } from "../../src/providers/provider.ts";
import type { Transport } from "../../src/providers/transport.ts";
import { denoConnect } from "../../src/transports/http1/deno_connect.ts";
import { nodeConnect } from "../../src/transports/http1/node_connect.ts";
import { Http1Transport } from "../../src/transports/http1/transport.ts";
import { makeCertificates } from "../support/signed_certificates.ts";
import { freePort, hasProgram, startDaemon } from "../support/daemon.ts";
import { describe, http1Transport, requestOf, sendTo } from "../support/http1_transports.ts";
import { nodeUrlOf } from "../support/node_url.ts";

const LARGE = "0123456789".repeat(20_000);

/** Answers what it is sent, or a large text in chunks where it is asked for `/large`. */
function startEcho(): { port: number } & AsyncDisposable {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const text = await request.text();
    return new Response(new URL(request.url).pathname === "/large" ? new Blob([LARGE]).stream() : text);
  });
  return { port: server.addr.port, [Symbol.asyncDispose]: () => server.shutdown() };
}

function nginxConfig(port: number, folder: string, upstream: number, extra = ""): string {
  const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) =>
    `${name}_temp_path ${folder}/${name};`
  );
  return `daemon off; master_process off; pid ${folder}/pid; error_log stderr crit; events {}
http { access_log off; ${temp.join(" ")} keepalive_requests 7;
  server { listen 127.0.0.1:${port}${extra};
    location = /gone { return 502; }
    location / { proxy_pass http://127.0.0.1:${upstream}; proxy_http_version 1.1; } } }`;
}

/** What is asked of each server that stands before a node. */
async function exercise(transport: Transport, url: string): Promise<void> {
  // More than a connection is good for, one after the other and side by side.
  for (let i = 0; i < 30; i++) assertEquals(describe(await sendTo(transport, url, requestOf(`a${i}`))), `200 a${i}`);
  const texts = Array.from({ length: 100 }, (_, i) => `b${i}`);
  const results = await Promise.all(texts.map((text) => sendTo(transport, url, requestOf(text))));
  assertEquals(results.map(describe), texts.map((text) => `200 ${text}`));
  assertEquals(describe(await sendTo(transport, url, requestOf("", { path: "/large" }))), `200 ${LARGE}`);
  assertEquals(describe(await sendTo(transport, url, requestOf(LARGE))), `200 ${LARGE}`);
}

Deno.test("nginx before a node", async () => {
  if (!await hasProgram("nginx", "HTTP/1.1 against nginx")) return;
  await using echo = startEcho();
  await using nginx = await startDaemon(
    "nginx",
    (port, folder) => nginxConfig(port, folder, echo.port),
    (file, folder) => ["-p", folder, "-c", file],
  );
  const transport = http1Transport();
  const url = `http://127.0.0.1:${nginx.port}/`;
  await exercise(transport, url);
  assert(describe(await sendTo(transport, `${url}gone`)).startsWith("502 <html>"));
  transport.close();
});

Deno.test("haproxy before a node, and one that gives up waiting", async () => {
  if (!await hasProgram("haproxy", "HTTP/1.1 against haproxy")) return;
  await using echo = startEcho();
  await using haproxy = await startDaemon("haproxy", (port) =>
    `defaults
  mode http
  timeout connect 1s
  timeout client 10s
  timeout server 10s
  timeout http-keep-alive 60ms
frontend f
  bind 127.0.0.1:${port}
  default_backend b
backend b
  server s 127.0.0.1:${echo.port}
`, (file) => ["-f", file, "-db"]);
  const transport = http1Transport();
  const url = `http://127.0.0.1:${haproxy.port}/`;
  await exercise(transport, url);
  // Around the moment at which it ends the connection: each request is answered, and not twice.
  for (let i = 0; i < 12; i++) {
    await new Promise((resolve) => setTimeout(resolve, 40 + i * 4));
    const answer = describe(await sendTo(transport, url, requestOf(`c${i}`)));
    assert(answer === `200 c${i}` || answer === "upstream_disconnected", answer);
  }
  transport.close();
});

Deno.test("anvil", async () => {
  await using anvil = await startAnvil();
  const transport = http1Transport();
  const call = requestOf('{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}');
  for (let i = 0; i < 20; i++) {
    assertEquals(describe(await sendTo(transport, anvil.url, call)), '200 {"jsonrpc":"2.0","id":1,"result":"0x7a69"}');
  }
  assertEquals(transport.connections, 1);
  transport.close();
});

Deno.test("litecoind: an error with a status of its own, and credentials in the URL's headers", async () => {
  if (!await hasProgram("litecoind", "HTTP/1.1 against litecoind")) return;
  await using litecoind = await startDaemon(
    "litecoind",
    (port, folder) =>
      `regtest=1\n[regtest]\nlisten=0\nserver=1\nrpcbind=127.0.0.1\nrpcallowip=127.0.0.1\nrpcport=${port}\nrpcuser=u\nrpcpassword=p\n` +
      `fallbackfee=0.0002\nport=${freePort()}\n#${folder}\n`,
    (file, folder) => [`-conf=${file}`, `-datadir=${folder}`],
  );
  const transport = http1Transport();
  const url = nodeUrlOf(`http://127.0.0.1:${litecoind.port}/`, {
    headers: [["authorization", `Basic ${btoa("u:p")}`]],
  });
  const ask = (method: string) => sendTo(transport, url, requestOf(`{"id":1,"method":"${method}","params":[]}`));
  // It takes connections before it has loaded its chain, and says 500 until then.
  let answer = describe(await ask("getblockcount"));
  for (let i = 0; i < 200 && answer.startsWith("500"); i++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    answer = describe(await ask("getblockcount"));
  }
  assertEquals(answer.trim(), '200 {"result":0,"error":null,"id":1}');
  assert(describe(await ask("nonsense")).startsWith("404 "));
  assertEquals(describe(await sendTo(transport, `http://127.0.0.1:${litecoind.port}/`)), "401 ");
  transport.close();
});

for (const [runtime, connect] of Object.entries({ "Deno's sockets": denoConnect, "node:tls": nodeConnect })) {
  Deno.test(`TLS over ${runtime}: own authority, wrong host, expired, client certificates`, async () => {
    await using certificates = await makeCertificates();
    if (certificates === undefined || !await hasProgram("nginx", "TLS against nginx")) return;
    await using echo = startEcho();
    const { folder, caPem } = certificates;
    const client = await certificates.pair("client");
    const startTls = (name: string, extra = "") =>
      startDaemon("nginx", (port, own) =>
        nginxConfig(
          port,
          own,
          echo.port,
          ` ssl; ${extra} ssl_certificate ${folder}/${name}.pem; ssl_certificate_key ${folder}/${name}.key`,
        ), (file, own) => ["-p", own, "-c", file]);
    const ask = async (port: number, tls: NodeTls | undefined) => {
      const transport = new Http1Transport({ connect, clock: systemClock }, { maxReplyBytes: 1_000_000 });
      const answer = await sendTo(transport, nodeUrlOf(`https://127.0.0.1:${port}/`, { tls }), requestOf("hi"));
      if (answer.kind === "reply" && answer.reply.status === 200) {
        for (let i = 0; i < 20; i++) await sendTo(transport, nodeUrlOf(`https://127.0.0.1:${port}/`, { tls }));
      }
      transport.close();
      return answer.kind === "reply" ? describe(answer).slice(0, 6) : `${answer.error.code}: ${answer.error.message}`;
    };
    const untrusted = "upstream_unreachable: TLS could not be established";
    {
      await using good = await startTls("good");
      assertEquals(await ask(good.port, { caPem }), "200 hi");
      assertEquals(await ask(good.port, undefined), untrusted);
    }
    for (const name of ["other", "expired"]) {
      await using bad = await startTls(name);
      assertEquals(await ask(bad.port, { caPem }), untrusted, name);
    }
    await using mutual = await startTls("good", `ssl_client_certificate ${folder}/ca.pem; ssl_verify_client on;`);
    assertEquals(await ask(mutual.port, { caPem, ...client }), "200 hi");
    assertEquals(await ask(mutual.port, { caPem }), "400 <h");
  });
}
