import { assert, assertEquals } from "@std/assert";
import { startReceiver } from "../support/receiver.ts";
import { createRelay, type RelayConfig, type RelayUsageEvent } from "../../mod.ts";
import { HTTP_SERVERS, type HttpServer, listenWith } from "../support/http_servers.ts";
import { INTERFACE_SPECS } from "../support/interface_specs.ts";
import { MemorySink } from "../support/memory_sink.ts";
import { exchange, RawConnection } from "../support/raw_http.ts";
import { startRelay } from "../support/relay_process.ts";
import { answering, type NodeScript, scriptedNodes } from "../support/scripted_node.ts";

/** Tells when an event comes. */
class TellingSink extends MemorySink {
  readonly #first = Promise.withResolvers<RelayUsageEvent>();
  readonly first = this.#first.promise;

  override emit(event: RelayUsageEvent): void {
    super.emit(event);
    this.#first.resolve(event);
  }
}

async function start(
  options: Partial<RelayConfig> = {},
  script: NodeScript = answering(),
  server: HttpServer = "deno",
) {
  const usage = new TellingSink();
  const providers = [{ name: "a", nodeUrls: [{ url: "http://a" }] }];
  const { fetch, calls } = scriptedNodes({ a: script });
  const relay = createRelay({ chainId: "ETH1", providers, maxBodyBytes: 1_000, ...options, usage, fetch });
  const listener = await listenWith(server, relay, { headerTimeoutMs: 400, idleTimeoutMs: 400 });
  const url = `http://127.0.0.1:${listener.port}`;
  return { url, usage, calls, [Symbol.asyncDispose]: () => listener.shutdown() };
}

const CALL = '{"jsonrpc":"2.0","id":7,"method":"eth_chainId"}';
const HOST = "Host: relay\r\n";
const JSON_TYPE = "Content-Type: application/json\r\n";

/** A POST with these header lines and this body, its length announced. */
function post(body: string | Uint8Array, headers = JSON_TYPE): (string | Uint8Array)[] {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return [`POST / HTTP/1.1\r\n${HOST}${headers}Content-Length: ${bytes.length}\r\n\r\n`, bytes];
}

/** A POST whose body comes in chunks, without end unless one is given. */
function postChunks(...chunks: readonly string[]): string[] {
  const head = `POST / HTTP/1.1\r\n${HOST}${JSON_TYPE}Transfer-Encoding: chunked\r\n\r\n`;
  return [head, ...chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`)];
}

function padded(length: number): string {
  return CALL.slice(0, -1).padEnd(length - 1) + "}";
}

const twice = (members: string) => `{"jsonrpc":"2.0",${members}}`;
const MIB = 1024 * 1024;
const DEEP = 10 * MIB;

/** What is sent, the bytes, the status, and the id of the answer. */
const CASES: readonly (readonly [string, readonly (string | Uint8Array)[], number, unknown])[] = [
  ["a body over the limit", post(padded(1_001)), 413, null],
  ["a body over the limit in chunks", postChunks(padded(600), padded(600), ""), 413, null],
  ["a body over the limit in chunks without end", postChunks(padded(600), padded(600)), 413, null],
  [
    "a huge body that is announced and never sent",
    [`POST / HTTP/1.1\r\n${HOST}${JSON_TYPE}Content-Length: 99999999999\r\n\r\n`],
    413,
    null,
  ],
  ["a body that stops half-way", [`POST / HTTP/1.1\r\n${HOST}${JSON_TYPE}Content-Length: 40\r\n\r\n{`], 408, null],
  ["a body in chunks that never ends", postChunks("{"), 408, null],
  ["a body of another type", post(CALL, "Content-Type: text/plain\r\n"), 415, null],
  ["a form", post("a=b", "Content-Type: application/x-www-form-urlencoded\r\n"), 415, null],
  ["a compressed body", post(CALL, `${JSON_TYPE}Content-Encoding: gzip\r\n`), 415, null],
  ["an empty body", post(""), 400, null],
  ["no body at all", [`POST / HTTP/1.1\r\n${HOST}\r\n`], 400, null],
  ["broken JSON", post('{"jsonrpc":"2.0","id":7,'), 400, null],
  ["two bodies in one", post(CALL + CALL), 400, null],
  ["invalid UTF-8", post(Uint8Array.of(0x22, 0xff, 0xfe, 0x22)), 400, null],
  ["invalid UTF-8 in a call", post(new Uint8Array([...new TextEncoder().encode(CALL)].with(40, 0xc3))), 400, null],
  [
    "deep nesting",
    post(`{"jsonrpc":"2.0","id":7,"method":"a","params":${"[".repeat(200)}${"]".repeat(200)}}`),
    400,
    null,
  ],
  ["a member of the envelope twice", post(twice('"id":7,"method":"eth_chainId","method":"eth_call"')), 400, 7],
  ["a member twice, once escaped", post(twice('"id":7,"method":"eth_chainId","\\u006dethod":"x"')), 400, 7],
  ["two ids", post(twice('"id":7,"id":8,"method":"eth_chainId"')), 400, null],
  ["an id that is none", post(twice('"id":{},"method":"eth_chainId"')), 400, null],
  ["a project-id of 300 bytes", post(CALL, `${JSON_TYPE}project-id: ${"x".repeat(300)}\r\n`), 400, 7],
  ["a project-id with a tab", post(CALL, `${JSON_TYPE}project-id: a\tb\r\n`), 400, 7],
  [
    "a project-id of invalid UTF-8",
    [
      `POST / HTTP/1.1\r\n${HOST}${JSON_TYPE}project-id: `,
      Uint8Array.of(0xff, 0xfe),
      `\r\nContent-Length: ${CALL.length}\r\n\r\n${CALL}`,
    ],
    400,
    7,
  ],
  ["GET", [`GET / HTTP/1.1\r\n${HOST}\r\n`], 405, null],
  ["PUT", [`PUT / HTTP/1.1\r\n${HOST}${JSON_TYPE}Content-Length: ${CALL.length}\r\n\r\n${CALL}`], 405, null],
  ["DELETE", [`DELETE / HTTP/1.1\r\n${HOST}\r\n`], 405, null],
  ["a verb that nobody knows", [`BREW / HTTP/1.1\r\n${HOST}\r\n`], 405, null],
  ["TRACE", [`TRACE / HTTP/1.1\r\n${HOST}\r\n`], 405, null],
  ["GET for a host that is none", ["GET / HTTP/1.1\r\nHost: [\r\n\r\n"], 405, null],
];

for (const [what, request, status, id] of CASES) {
  for (const server of HTTP_SERVERS) {
    // That server refuses it by itself, with 400.
    if (server === "node" && what === "a verb that nobody knows") continue;
    Deno.test(`${server}: ${what} is answered with ${status}, charges nobody, and leaves the relay well`, async () => {
      await using relay = await start({ bodyTimeoutMs: 50 }, answering(), server);
      const response = await exchange(relay.url, ...request);
      assertEquals(response.status, status, response.text);
      assertEquals(response.headers.get("content-type"), "application/json");
      assertEquals(response.headers.get("access-control-allow-origin"), "*");
      assertEquals(response.headers.get("allow"), status === 405 ? "POST, OPTIONS" : null);
      const body = JSON.parse(response.text);
      assertEquals(Object.keys(body).sort(), ["error", "id", "jsonrpc"]);
      assertEquals([body.jsonrpc, body.id], ["2.0", id]);
      assert(Number.isInteger(body.error.code) && body.error.message.length > 10, response.text);
      assertEquals([relay.calls.length, relay.usage.events.length], [0, 0]);

      const good = await exchange(relay.url, ...post(CALL));
      assertEquals([good.status, good.text], [200, '{"jsonrpc":"2.0","id":7,"result":"0x1"}']);
      assertEquals(relay.usage.events.length, 1);
    });
  }
}

Deno.test("a body of exactly the limit is relayed, announced or in chunks", async () => {
  await using relay = await start();
  for (const request of [post(padded(1_000)), postChunks(padded(1_000).slice(0, 400), padded(1_000).slice(400), "")]) {
    assertEquals((await exchange(relay.url, ...request)).status, 200);
  }
});

Deno.test("ten megabytes of brackets are refused in time", async () => {
  await using relay = await start({ maxBodyBytes: DEEP });
  assertEquals((await exchange(relay.url, ...post("[".repeat(DEEP)))).status, 400);
  assertEquals((await exchange(relay.url, ...post(CALL))).status, 200);
});

/** What the HTTP server itself refuses, before the relay sees it. */
const REFUSED: readonly (readonly [string, readonly string[]])[] = [
  ["headers of two megabytes", [`POST / HTTP/1.1\r\n${HOST}x-a: ${"x".repeat(2 * MIB)}\r\n\r\n`]],
  ["a control character in a header", [`POST / HTTP/1.1\r\n${HOST}project-id: a\u0001b\r\n\r\n`]],
  ["a length that is no number", [`POST / HTTP/1.1\r\n${HOST}Content-Length: ten\r\n\r\n`]],
  ["two lengths that differ", [`POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde`]],
  ["a chunk size that is no number", [
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n`,
  ]],
  ["a header without a name", [`POST / HTTP/1.1\r\n${HOST}: x\r\n\r\n`]],
  ["white space before a colon", [`POST / HTTP/1.1\r\n${HOST}Content-Length : 5\r\n\r\nabcde`]],
  ["a thousand headers", [`POST / HTTP/1.1\r\n${HOST}${"x-a: 1\r\n".repeat(10_000)}\r\n`]],
  ["something other than HTTP", ["\u0016\u0003\u0001 hello\r\n\r\n"]],
];

for (const [what, request] of REFUSED) {
  for (const server of HTTP_SERVERS) {
    Deno.test(`${server}: ${what} is refused, charges nobody, and leaves the relay well`, async () => {
      await using relay = await start({}, answering(), server);
      const end = await exchange(relay.url, ...request).then(({ status }) => status, () => "closed");
      assert(end === 400 || end === 431 || end === "closed", String(end));
      assertEquals(relay.usage.events, []);
      assertEquals((await exchange(relay.url, ...post(CALL))).status, 200);
    });
  }
}

for (const server of ["own", "node"] as const) {
  Deno.test(`${server}: a head that does not come is given up after its time, and other clients do not wait`, async () => {
    await using relay = await start({}, answering(), server);
    using slow = await RawConnection.open(relay.url);
    await slow.write(`POST / HTTP/1.1\r\n${HOST}`);
    assertEquals((await exchange(relay.url, ...post(CALL))).status, 200);
    assertEquals((await slow.read()).status, 408);
  });
}

/** Request lines of REST that go nowhere. */
const BAD_TARGETS: readonly (readonly [what: string, target: string, statuses: readonly number[]])[] = [
  ["a path of 64 KiB", `/${"a".repeat(65_536)}`, [400, 414, 431]],
  ["a query of 20 KiB", `/a?${"b".repeat(20_000)}`, [414]],
  ["a path that climbs out of the node's own", "/cosmos/../../admin", [400]],
  ["the same, encoded", "/cosmos/%2e%2e/%2E./admin", [400]],
  ["broken percent-encoding", "/cosmos/%zz", [400]],
  ["a backslash", "/cosmos\\..\\admin", [400]],
];

for (const [what, target, statuses] of BAD_TARGETS) {
  for (const server of HTTP_SERVERS) {
    Deno.test(`${server}: ${what} is refused, and no node sees it`, async () => {
      const rest = { chainId: "COSMOS", apiInterface: "rest", specs: INTERFACE_SPECS } as const;
      await using relay = await start(rest, answering(), server);
      const { status } = await exchange(relay.url, `GET ${target} HTTP/1.1\r\n${HOST}\r\n`);
      assert(statuses.includes(status), String(status));
      assertEquals([relay.calls.length, relay.usage.events.length], [0, 0]);
    });
  }
}

Deno.test("all servers: a request in a request's body is a body", async () => {
  const smuggled = `POST / HTTP/1.1\r\n${HOST}${JSON_TYPE}Content-Length: ${CALL.length}\r\n\r\n${CALL}`;
  for (const server of HTTP_SERVERS) {
    await using relay = await start({}, answering(), server);
    const both = `POST / HTTP/1.1\r\n${HOST}${JSON_TYPE}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const chunks = `${CALL.length.toString(16)}\r\n${CALL}\r\n0\r\n\r\n`;
    for (const request of [[both + chunks], post(smuggled)]) {
      const { status } = await exchange(relay.url, ...request);
      assert(status === 200 || status === 400, `${server}: ${status}`);
    }
    assert(relay.usage.events.length <= 1, `${server}: ${relay.usage.events.length} events`);
  }
});

Deno.test("a client that leaves in the middle of its body charges nobody", async () => {
  await using relay = await start({ bodyTimeoutMs: 60_000 });
  {
    using connection = await RawConnection.open(relay.url);
    await connection.write(`POST / HTTP/1.1\r\n${HOST}${JSON_TYPE}Content-Length: 40\r\n\r\n{"json`);
  }
  assertEquals((await exchange(relay.url, ...post(CALL))).status, 200);
  assertEquals(relay.usage.events.length, 1);
});

Deno.test("a client that leaves while a node is asked is metered as failed, and the node is let go", async () => {
  const asked = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<Response>();
  await using relay = await start({}, (_call, signal) => {
    asked.resolve();
    signal.addEventListener("abort", () => letGo.reject(new DOMException("aborted", "AbortError")), { once: true });
    return letGo.promise;
  });
  {
    using connection = await RawConnection.open(relay.url);
    await connection.write(...post(CALL, `${JSON_TYPE}project-id: leaver\r\n`));
    await asked.promise;
  }
  const { project, success, computeUnits, provider, apiMethod } = await relay.usage.first;
  assertEquals([project, success, computeUnits, provider, apiMethod], ["leaver", false, 0, "a", "eth_chainId"]);
});

Deno.test("HEAD on the health path has no body, and two origins over the wire are one attribute", async () => {
  await using relay = await start();
  const response = await fetch(`${relay.url}/lava/health`, { method: "HEAD" });
  assertEquals([response.status, await response.text()], [200, ""]);
  await exchange(relay.url, ...post(CALL, `${JSON_TYPE}Origin: https://a.example\r\nOrigin: https://b.example\r\n`));
  assertEquals(relay.usage.events.map(({ origin }) => origin), ["https://a.example, https://b.example"]);
});

for (const server of HTTP_SERVERS) {
  Deno.test(`--http-server ${server}: the limits of the command line hold, and a collector hears of good calls only`, async () => {
    await using receiver = startReceiver();
    await using node = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
      const { id } = await request.json();
      return Response.json({ jsonrpc: "2.0", id, result: "0x1" });
    });
    const limits = [
      `--http-server=${server}`,
      "--max-request-body-bytes=100",
      "--request-body-timeout=50ms",
      "--max-batch-request-size=1",
    ];
    const usage = ["--usage-otel-enabled", `--usage-otel-endpoint=${receiver.url}`];
    const upstream = `http://127.0.0.1:${node.addr.port}`;
    await using relay = await startRelay([
      "127.0.0.1:0",
      "ETH1",
      "jsonrpc",
      "--upstream",
      upstream,
      ...limits,
      ...usage,
    ]);
    const [url = ""] = relay.urls;
    assertEquals((await exchange(url, ...post(padded(101)))).status, 413);
    assertEquals((await exchange(url, ...postChunks("{"))).status, 408);
    assertEquals((await exchange(url, ...post("[1,2]"))).status, 429);
    assertEquals((await exchange(url, ...post(padded(100), `${JSON_TYPE}project-id: good\r\n`))).status, 200);
    relay.kill("SIGTERM");
    assertEquals(await relay.exited, 0);
    assertEquals(receiver.records.map(({ attributes }) => attributes["project"]), ["good"]);
  });
}
