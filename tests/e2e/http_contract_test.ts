import { assert, assertEquals } from "@std/assert";
import { createRelay, type RelayConfig } from "../../mod.ts";
import { startEchoHost } from "../support/echo_host.ts";
import { HTTP_SERVERS, type HttpServer, listenWith } from "../support/http_servers.ts";
import { INTERFACE_SPECS } from "../support/interface_specs.ts";
import { MemorySink } from "../support/memory_sink.ts";
import { RawConnection, type RawResponse } from "../support/raw_http.ts";
import { answering, scriptedNodes } from "../support/scripted_node.ts";

const HOST = "Host: relay\r\n";
const POST = `POST /a HTTP/1.1\r\n${HOST}`;
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;
const get = (target: string, headers = HOST, verb = "GET") => `${verb} ${target} HTTP/1.1\r\n${headers}\r\n`;

/** What is sent, what is answered, and whether another request may follow on the same connection. */
interface Row {
  readonly what: string;
  readonly parts: readonly (string | Uint8Array)[];
  readonly answers: readonly string[];
  readonly isHead?: true;
  /** Default false. */
  readonly ends?: true;
  /** Servers that can't do it, and why. */
  readonly not?: Readonly<Partial<Record<HttpServer, string>>>;
}

const bytes = (text: string) => new TextEncoder().encode(text);
const oneByOne = (text: string) => [...bytes(text)].map((byte) => Uint8Array.of(byte));

const ROWS: readonly Row[] = [
  { what: "GET", parts: [get("/a?b=c")], answers: ["200 GET /a b=c "] },
  { what: "HEAD, announced as GET would be", parts: [get("/a?b=c", HOST, "HEAD")], isHead: true, answers: ["200 "] },
  { what: "HEAD of a large answer", parts: [get("/large/100000", HOST, "HEAD")], isHead: true, answers: ["200 "] },
  {
    what: "HTTP/1.0, which ends the connection",
    parts: ["GET /a HTTP/1.0\r\n\r\n"],
    answers: ["200 GET /a  "],
    ends: true,
  },
  {
    what: "HTTP/1.0 that asks to be kept",
    parts: ["GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"],
    answers: ["200 GET /a  "],
  },
  {
    what: "HTTP/1.0 with a body",
    parts: ["POST /a HTTP/1.0\r\nContent-Length: 2\r\n\r\nab"],
    answers: ["200 POST /a  ab"],
    ends: true,
  },
  {
    what: "a client that closes, in capitals among other options",
    parts: [get("/a", `${HOST}Connection: x, CLOSE\r\n`)],
    answers: ["200 GET /a  "],
    ends: true,
  },
  { what: "the absolute form, of another host too", parts: [get("http://b.example/a?b")], answers: ["200 GET /a b "] },
  { what: "the absolute form without a path", parts: [get("http://b.example")], answers: ["200 GET /  "] },
  {
    what: "a path as it came: dots, double slashes, percent-encoding",
    parts: [get("/%61/../b%2Fc//d;e?x=%20&y=[]")],
    answers: ["200 GET /%61/../b%2Fc//d;e x=%20&y=[] "],
  },
  {
    what: "a question mark in a query, and a query without anything in it",
    parts: [get("/a?b?c"), get("/a?")],
    answers: ["200 GET /a b?c ", "200 GET /a  "],
  },
  {
    what: "a query with characters that URLs have encoded",
    parts: [get("/a?b=\"<'>{}|^`")],
    answers: ["200 GET /a b=\"<'>{}|^` "],
    not: { node: "they reach the relay encoded" },
  },
  { what: "a path of 7 KiB", parts: [get(`/${"p".repeat(7_000)}`)], answers: [`200 GET /${"p".repeat(7_000)}  `] },
  {
    what: "an empty line before a request",
    parts: [`\r\n${get("/a")}`],
    answers: ["200 GET /a  "],
  },
  {
    what: "a header value outside of ASCII, byte for byte",
    parts: [get("/a", `${HOST}X-Echo: \u00e4\r\n`)],
    answers: ["200 GET /a   \u00c3\u0083\u00c2\u00a4"],
  },
  {
    what: "a header that is there three times, whatever its case, with white space around",
    parts: [get("/a", `${HOST}X-Echo: 1\r\nx-echo:2\r\nX-ECHO: \t3 \t\r\n`)],
    answers: ["200 GET /a   1, 2, 3"],
  },
  { what: "an empty header", parts: [get("/a", `${HOST}X-Echo:\r\n`)], answers: ["200 GET /a   "] },
  {
    what: "headers of names that objects have",
    parts: [get("/a", `${HOST}constructor: 1\r\n__proto__: 2\r\ntoString: 3\r\nX-Echo: a\r\n`)],
    answers: ["200 GET /a   a"],
  },
  { what: "90 headers", parts: [get("/a", `${HOST}${"X-A: 1\r\n".repeat(90)}`)], answers: ["200 GET /a  "] },
  {
    what: "a header of 30 KiB",
    parts: [get("/a", `${HOST}X-A: ${"v".repeat(30_000)}\r\n`)],
    answers: ["200 GET /a  "],
  },
  {
    what: "ten requests at once, answered in order",
    parts: [Array.from({ length: 10 }, (_, i) => get(`/${i}`)).join("")],
    answers: Array.from({ length: 10 }, (_, i) => `200 GET /${i}  `),
  },
  {
    what: "requests with bodies at once, answered in order",
    parts: [`${POST}Content-Length: 3\r\n\r\nabc${CHUNKED}2\r\nde\r\n0\r\n\r\n${get("/last")}`],
    answers: ["200 POST /a  abc", "200 POST /a  de", "200 GET /last  "],
  },
  {
    what: "a head that comes byte by byte",
    parts: oneByOne(get("/a?b", `${HOST}X-Echo: slow\r\n`)),
    answers: ["200 GET /a b  slow"],
  },
  {
    what: "chunks that come byte by byte, with extensions and a trailer",
    parts: oneByOne(`${CHUNKED}3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-T: 1\r\n\r\n`),
    answers: ["200 POST /a  abcde"],
  },
  { what: "a chunked body with nothing in it", parts: [`${CHUNKED}0\r\n\r\n`], answers: ["200 POST /a  "] },
  {
    what: "chunk sizes in capitals and with zeros before",
    parts: [`${CHUNKED}000A\r\n0123456789\r\n0000\r\n\r\n`],
    answers: ["200 POST /a  0123456789"],
  },
  {
    what: "a coding in capitals",
    parts: [`${POST}Transfer-Encoding: Chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n`],
    answers: ["200 POST /a  x"],
  },
  {
    what: "a large body of a known length",
    parts: [`${POST}Content-Length: 3000000\r\n\r\n`, "z".repeat(3_000_000)],
    answers: ["200 POST /a  <3000000>"],
  },
  {
    what: "a large body in chunks",
    parts: [CHUNKED, ...Array.from({ length: 30 }, () => `186a0\r\n${"z".repeat(100_000)}\r\n`), "0\r\n\r\n"],
    answers: ["200 POST /a  <3000000>"],
  },
  {
    what: "a length of zero, and none",
    parts: [`${POST}Content-Length: 0\r\n\r\n`, `${POST}\r\n`],
    answers: ["200 POST /a  ", "200 POST /a  "],
  },
  {
    what: "DELETE and OPTIONS with bodies",
    parts: ["DELETE", "OPTIONS"].map((verb) => `${get("/a", `${HOST}Content-Length: 3\r\n`, verb)}abc`),
    answers: ["200 DELETE /a  abc", "200 OPTIONS /a  abc"],
  },
  {
    what: "GET with a body, which is passed over",
    parts: [`${get("/a", `${HOST}Content-Length: 3\r\n`)}abc`],
    answers: ["200 GET /a  "],
  },
  {
    what: "answers that have no body",
    parts: [get("/status/204"), get("/status/304"), get("/status/200")],
    answers: ["204 ", "304 ", "200 "],
  },
  { what: "TRACE, which the handler may refuse", parts: [get("/a", HOST, "TRACE")], answers: ["200 TRACE /a  "] },
  {
    what: "a verb that has no meaning here",
    parts: [get("/a", HOST, "BREW")],
    answers: ["200 BREW /a  "],
    not: { node: "it takes the verbs that it knows, and refuses others with 400" },
  },
  {
    what: "an offer to speak another protocol, which nobody has to take",
    parts: [get("/a", `${HOST}Upgrade: h2c\r\nConnection: upgrade\r\n`), get("/b")],
    answers: ["200 GET /a  ", "200 GET /b  "],
    not: { node: "it takes the offer for a wish, and refuses it with 400" },
  },
];

for (const { what, parts, answers, isHead = false, ends = false, not = {} } of ROWS) {
  for (const server of HTTP_SERVERS) {
    if (not[server] !== undefined) continue;
    Deno.test(`${server}: ${what}`, async () => {
      await using host = await startEchoHost(server);
      using connection = await RawConnection.open(host.url);
      const writing = connection.write(...parts);
      for (const answer of answers) {
        const { status, text } = await connection.read({ isHead });
        assertEquals(`${status} ${text}`, answer);
      }
      await writing;
      await connection.write(get("/next", `${HOST}Connection: close\r\n`));
      const rest = await connection.readToEnd();
      assertEquals(rest.endsWith("\r\n\r\nGET /next  "), !ends, rest);
      assertEquals(host.seen.length, answers.length + (ends ? 0 : 1));
    });
  }
}

for (const server of HTTP_SERVERS) {
  Deno.test(`${server}: who asks whether to go on with a body is told so`, async () => {
    await using host = await startEchoHost(server);
    using connection = await RawConnection.open(host.url);
    await connection.write(`${POST}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n`);
    assertEquals((await connection.read({ takesInterim: true })).status, 100);
    await connection.write("ab");
    assertEquals((await connection.read()).text, "POST /a  ab");
    // Who does not wait for it may be told, and must not be irritated by it.
    await connection.write(`${POST}Expect: 100-continue\r\nContent-Length: 2\r\n\r\nab`);
    assertEquals((await connection.read()).text, "POST /a  ab");
    await connection.write(get("/b"));
    assertEquals((await connection.read()).text, "GET /b  ");
  });

  Deno.test(`${server}: answers go on to a client that has ended its side, once they are under way`, async () => {
    await using host = await startEchoHost(server);
    using connection = await RawConnection.open(host.url);
    await connection.write(get("/large/5000000", `${HOST}Connection: close\r\n`));
    const { text } = await connection.read();
    assertEquals(text.length, 5_000_000);
    await connection.endWriting();
    assertEquals(await connection.readToEnd(), "");
  });
}

const LARGE = "x".repeat(10_000);
const CALL = '{"jsonrpc":"2.0","id":7,"method":"eth_chainId"}';
const JSON_TYPE = "Content-Type: application/json\r\n";
const call = (headers = "", body = CALL) =>
  `POST / HTTP/1.1\r\n${HOST}${JSON_TYPE}${headers}Content-Length: ${body.length}\r\n\r\n${body}`;

async function startServed(server: HttpServer, options: Partial<RelayConfig> = {}) {
  const usage = new MemorySink();
  const { fetch, calls } = scriptedNodes({ a: answering((method) => method === "eth_getLogs" ? LARGE : "0x1") });
  const providers = [{ name: "a", nodeUrls: [{ url: "http://a" }] }];
  const relay = createRelay({ chainId: "ETH1", providers, maxBodyBytes: 100_000, ...options, usage, fetch });
  const listener = await listenWith(server, relay);
  return {
    url: `http://127.0.0.1:${listener.port}`,
    usage,
    calls,
    async [Symbol.asyncDispose]() {
      const closing = listener.shutdown();
      await relay.close(0);
      await closing;
    },
  };
}

/** Requests of a relay, whose answers are the same on all servers. */
const SERVED: readonly (readonly [what: string, request: string, status: number, isHead?: boolean])[] = [
  ["a call", call(), 200],
  ["a call with everything that a caller may say", call("project-id: p\r\norigin: https://a.example\r\n"), 200],
  ["two origins", call("origin: https://a.example\r\norigin: https://b.example\r\n"), 200],
  ["a large answer", call("", CALL.replace("eth_chainId", "eth_getLogs")), 200],
  ["a large answer, compressed", call("Accept-Encoding: gzip\r\n", CALL.replace("eth_chainId", "eth_getLogs")), 200],
  ["a batch", call("", `[${CALL},${CALL.replace("7", "8")}]`), 200],
  ["broken JSON", call("", "{"), 400],
  ["steering that makes no sense", call("lava-debug-relay: perhaps\r\n"), 400],
  ["a compressed body", call("Content-Encoding: gzip\r\n"), 415],
  ["a body over the limit", call("", CALL.padEnd(100_001)), 413],
  ["GET", get("/"), 405],
  ["health", get("/lava/health"), 200],
  ["health by HEAD", get("/lava/health", HOST, "HEAD"), 200, true],
  ["no icon", get("/favicon.ico"), 404],
  [
    "a page that asks first",
    get("/", `${HOST}Origin: https://a.example\r\nAccess-Control-Request-Headers: x\r\n`, "OPTIONS"),
    204,
  ],
];

for (const [what, request, status, isHead = false] of SERVED) {
  Deno.test(`all servers alike: ${what}`, async () => {
    const facts: unknown[] = [];
    for (const server of HTTP_SERVERS) {
      await using at = await startServed(server, { responseCompression: "gzip" });
      using connection = await RawConnection.open(at.url);
      const writing = connection.write(request);
      const response = await connection.read({ isHead });
      await writing;
      assertEquals(response.status, status, `${server}: ${response.text}`);
      const { usage, calls } = at;
      const events = usage.events.map((
        { project, origin, apiMethod, success },
      ) => [project, origin, apiMethod, success]);
      facts.push([response.text, fieldsOf(response), events, calls.map(({ text }) => text)]);
    }
    for (const each of facts) assertEquals(each, facts[0]);
  });
}

/** Fields of a response but for those that speak of the connection, and those that never are the same. */
function fieldsOf({ headers }: RawResponse): unknown {
  const fields = [...headers].filter(([name]) => !["connection", "keep-alive", "date", "lava-guid"].includes(name));
  return fields.map(([name, value]) => name === "vary" ? [name, value.toLowerCase()] : [name, value]);
}

Deno.test("all servers alike: paths of REST reach the node as they came, whatever else the request says of itself", async () => {
  for (const server of HTTP_SERVERS) {
    const rest = { chainId: "COSMOS", apiInterface: "rest", specs: INTERFACE_SPECS } as const;
    await using at = await startServed(server, rest);
    const path = "/cosmos/bank/v1beta1/balances/cosmos1%41x?pagination.key=%2B%2f&a=[]";
    for (const target of [path, `http://b.example${path}`]) {
      using connection = await RawConnection.open(at.url);
      await connection.write(get(target));
      await connection.read();
    }
    assertEquals(at.calls.map(({ url }) => url), [`http://a${path}`, `http://a${path}`], server);
  }
});

for (const server of HTTP_SERVERS) {
  Deno.test(`${server}: a host that holds a path does not lead anywhere else`, async () => {
    const rest = { chainId: "COSMOS", apiInterface: "rest", specs: INTERFACE_SPECS } as const;
    await using at = await startServed(server, rest);
    for (const host of ["relay/cosmos/bank/v1beta1/supply?", "relay/cosmos/bank/v1beta1/supply#", "relay/a"]) {
      using connection = await RawConnection.open(at.url);
      await connection.write(get("/cosmos/nothing", `Host: ${host}\r\n`));
      await connection.read();
    }
    for (const { url } of at.calls) assertEquals(url, "http://a/cosmos/nothing");
  });

  Deno.test(`${server}: who is refused while its body is still coming is answered, and its body is nobody's request`, async () => {
    await using at = await startServed(server);
    using connection = await RawConnection.open(at.url);
    const inside = call();
    await connection.write(`POST / HTTP/1.1\r\n${HOST}${JSON_TYPE}Content-Length: 200000\r\n\r\n`);
    assertEquals((await connection.read()).status, 413);
    await connection.write(inside.repeat(200_000 / inside.length), call("project-id: next\r\n"));
    await connection.readToEnd();
    // Whatever it does with the rest: the calls in it have not been made.
    assert(at.calls.length === 0, `${at.calls.length} calls`);
  });
}
