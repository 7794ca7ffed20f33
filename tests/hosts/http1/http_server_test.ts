import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { HeaderFields } from "../../../src/domain/wire.ts";
import type { HostRequest, HostResponse } from "../../../src/hosts/host_request.ts";
import { HttpServer, type HttpServerDeps, type HttpServerOptions } from "../../../src/hosts/http1/http_server.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { ServedSocket } from "../../support/served_socket.ts";

const LIMITS: HttpServerOptions = { headerTimeoutMs: 1_000, idleTimeoutMs: 6_000, maxConnections: 3 };
const GET = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";

function post(body: string, head = `Content-Length: ${body.length}\r\n`): string {
  return `POST /a HTTP/1.1\r\nHost: a\r\n${head}\r\n${body}`;
}

function response(text: string, fields: HeaderFields = [], status = 200): HostResponse {
  return { status, fields: [fields], body: new TextEncoder().encode(text) };
}

type Answer = (request: HostRequest) => HostResponse | Promise<HostResponse>;

/** What came back without what is the same for all. */
function bare(text: string): string {
  return text.replaceAll(/date: [^\r]*\r\n/g, "");
}

function ok(text: string, more = ""): string {
  return `HTTP/1.1 200 OK\r\n${more}content-length: ${text.length}\r\n\r\n${text}`;
}

/** A server whose handler echoes what it is asked, and a connection with it. */
function start(
  answer: Answer = echo,
  options: Partial<HttpServerOptions> = {},
  takeUpgrade?: HttpServerDeps["takeUpgrade"],
) {
  const clock = new FakeClock();
  const logged: string[] = [];
  const log = {
    debug() {},
    info() {},
    warn: (text: string) => logged.push(text),
    error: (text: string) => logged.push(text),
  };
  const requests: HostRequest[] = [];
  const handler = {
    async handle(request: HostRequest) {
      requests.push(request);
      return await answer(request);
    },
    accept: () => response("", [], 501),
  };
  const server = new HttpServer({ handler, clock, log, takeUpgrade }, { ...LIMITS, ...options });
  const connect = () => {
    const socket = new ServedSocket();
    server.accept(socket, "192.0.2.1");
    return socket;
  };
  return { clock, logged, requests, server, connect, socket: connect() };
}

async function echo({ verb, path, body }: HostRequest): Promise<HostResponse> {
  const bytes = body.whole ?? await body.read(1_000).catch(() => undefined);
  return response(`${verb} ${path} ${bytes === undefined ? "too large" : new TextDecoder().decode(bytes)}`);
}

Deno.test("requests of a connection are answered in order, however they come", async () => {
  const text = GET + post("hello") + post("5\r\nworld\r\n0\r\nx: y\r\n\r\n", "Transfer-Encoding: chunked\r\n") + GET;
  const expected = ok("GET /a ") + ok("POST /a hello") + ok("POST /a world") + ok("GET /a ");
  for (let at = 0; at < text.length; at++) {
    const { server, socket, clock } = start();
    socket.send(text.slice(0, at));
    await settle();
    socket.send(text.slice(at));
    await settle();
    assertEquals(bare(socket.text), expected, `split at ${at}`);
    assertEquals(socket.state, "open");
    socket.end();
    await settle();
    assertEquals([socket.state, server.connections, clock.pending], ["closed", 0, 0]);
  }
});

Deno.test("an answer is one write, with the date and its length", async () => {
  const { socket } = start(() => response("{}", [["content-type", "application/json"], ["x", "caf\u00e9"]]));
  socket.send(GET);
  await settle();
  assertEquals(socket.writes, [
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx: caf\u00e9\r\ndate: Thu, 01 Jan 2026 00:00:00 GMT\r\n" +
    "content-length: 2\r\n\r\n{}",
  ]);
  socket.end();
  await settle();
});

Deno.test("a large answer is written as fast as it is taken", async () => {
  const large = "x".repeat(100_000);
  const { socket } = start(() => response(large));
  socket.mostBytes = 7_000;
  socket.send(GET);
  await settle();
  assertEquals(bare(socket.text), ok(large));
  socket.end();
  await settle();
});

Deno.test("the next request is taken up when the one before has its answer, and not read beyond a buffer", async () => {
  const answers: ((response: HostResponse) => void)[] = [];
  const { socket, requests } = start(() => new Promise((resolve) => answers.push(resolve)));
  socket.send(GET);
  await settle();
  const readsWhileAnswering = socket.reads;
  assertEquals(readsWhileAnswering, 2, "a client that leaves is to be noticed");
  socket.send(GET.repeat(1_000));
  await settle();
  assertEquals([requests.length, socket.reads], [1, readsWhileAnswering]);
  answers[0]!(response("1"));
  await settle();
  assertEquals([requests.length, bare(socket.text)], [2, ok("1")]);
  socket.cut();
  socket.close();
});

Deno.test("what becomes of the connection is said and done", async () => {
  const old = "GET /a HTTP/1.0\r\n";
  const cases: readonly (readonly [string, string, boolean])[] = [
    [GET, "", true],
    [GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"), "connection: close\r\n", false],
    [`${old}\r\n`, "connection: close\r\n", false],
    [`${old}Connection: keep-alive\r\n\r\n`, "connection: keep-alive\r\n", true],
  ];
  for (const [text, field, goesOn] of cases) {
    const { socket } = start();
    socket.send(text);
    await settle();
    assertEquals(bare(socket.text), ok("GET /a ", field));
    assertEquals(socket.state, goesOn ? "open" : "ended");
    socket.end();
    await settle();
    assertEquals(socket.state, "closed");
  }
});

Deno.test("statuses without a body have none, and HEAD is told what would come", async () => {
  const { socket } = start(({ path }) => ({ status: Number(path.slice(1)), fields: [], body: new Uint8Array(3) }));
  for (const status of [204, 304]) socket.send(`GET /${status} HTTP/1.1\r\nHost: a\r\n\r\n`);
  socket.send("HEAD /200 HTTP/1.1\r\nHost: a\r\n\r\n");
  await settle();
  const heads = ["204 No Content\r\n", "304 \r\n", "200 OK\r\ncontent-length: 3\r\n"];
  assertEquals(bare(socket.text), heads.map((head) => `HTTP/1.1 ${head}\r\n`).join(""));
  socket.end();
  await settle();
});

Deno.test("fields that frame messages are the server's own, and none breaks out of its place", async () => {
  const framing: HeaderFields = [["content-length", "99"], ["transfer-encoding", "chunked"], ["connection", "close"]];
  const { socket } = start(() => response("x", framing));
  socket.send(GET);
  await settle();
  assertEquals(bare(socket.text), ok("x"));
  socket.end();
  await settle();

  for (
    const field of [["x", "a\r\nb: c"], ["x", "a\u0100"], ["x", "\x00"], ["x y", "a"], ["x:", "a"], ["x\r\n", "a"]]
  ) {
    const broken = start(() => response("x", [field as [string, string]]));
    broken.socket.send(GET);
    await settle();
    assertStringIncludes(broken.socket.text, "HTTP/1.1 500 ");
    assertEquals([broken.socket.writes.length, broken.socket.state, broken.logged.length], [1, "ended", 1]);
    broken.socket.end();
    await settle();
  }
});

Deno.test("a request that can't be read is told so, and the last of its connection", async () => {
  const { socket, requests } = start();
  socket.send(GET + "GET / HTTP/1.1\r\nbroken\r\n\r\n" + GET);
  await settle();
  assertEquals(requests.length, 1);
  assertStringIncludes(socket.text, "HTTP/1.1 400 Bad Request\r\n");
  assertEquals(socket.state, "ended");
  // What it still sends is read, as it would lose the answer otherwise.
  socket.send("x".repeat(100_000));
  await settle();
  assertEquals([socket.state, requests.length], ["ended", 1]);
  socket.end();
  await settle();
  assertEquals(socket.state, "closed");
});

Deno.test("a client that does not end its side is closed after a while", async () => {
  const { socket, clock } = start();
  socket.send(post("x", "Content-Length: x\r\n"));
  await settle();
  assertEquals(socket.state, "ended");
  await clock.advance(3_000);
  assertEquals([socket.state, clock.pending], ["closed", 0]);
});

Deno.test("a client that never ends to send is closed", async () => {
  const { socket } = start();
  socket.send("broken\r\n\r\n");
  await settle();
  assertEquals(socket.state, "ended");
  socket.isEndless = true;
  socket.send("x");
  for (let i = 0; i < 1_000 && socket.state === "ended"; i++) await settle();
  assertEquals(socket.state, "closed");
});

Deno.test("a client that leaves ends its request", async () => {
  for (const leave of ["end", "cut"] as const) {
    const { socket, requests } = start(() => new Promise(() => {}));
    socket.send(GET);
    await settle();
    assert(!requests[0]!.signal.aborted);
    socket[leave]();
    await settle();
    assertEquals([requests[0]!.signal.aborted, socket.state], [true, "closed"]);
  }
});

Deno.test("a client that leaves while it sends a body has its read rejected", async () => {
  let outcome = "";
  const { socket } = start(async ({ body }) => {
    outcome = await body.read(100).then(() => "read", () => "rejected");
    return response("");
  });
  socket.send(post("12345", "Content-Length: 10\r\n"));
  await settle();
  socket.end();
  await settle();
  assertEquals([outcome, socket.state, socket.text], ["rejected", "closed", ""]);
});

Deno.test("a client that waits to be told so is told that its body is wanted", async () => {
  const { socket } = start();
  const head = "Content-Length: 5\r\nExpect: 100-continue\r\n";
  socket.send(post("", head));
  await settle();
  assertEquals(socket.text, "HTTP/1.1 100 Continue\r\n\r\n");
  socket.send("hello");
  await settle();
  assertEquals(bare(socket.writes[1]!), ok("POST /a hello"));
  // One that does not wait is not told.
  socket.send(post("hello", head));
  await settle();
  assertEquals(bare(socket.writes[2]!), ok("POST /a hello"));
  socket.end();
  await settle();
});

Deno.test("a client whose body is not wanted is not told to send it", async () => {
  const { socket } = start(() => response("no"));
  socket.send(post("", "Content-Length: 5\r\nExpect: 100-continue\r\n"));
  await settle();
  assertEquals(bare(socket.text), ok("no", "connection: close\r\n"));
  assertEquals(socket.state, "ended");
  socket.end();
  await settle();
});

Deno.test("a small body that nobody wanted is read past; behind others the connection ends", async () => {
  const { socket, requests } = start(() => response("no"));
  socket.send(post("123", "Content-Length: 65536\r\n"));
  await settle();
  assertEquals(bare(socket.text), ok("no"));
  socket.send("x".repeat(65_536 - 3) + GET);
  await settle();
  assertEquals([requests.length, bare(socket.text)], [2, ok("no") + ok("no")]);
  socket.end();
  await settle();

  for (const head of ["Content-Length: 65537\r\n", "Transfer-Encoding: chunked\r\n"]) {
    const other = start(() => response("no"));
    other.socket.send(post("", head));
    await settle();
    assertEquals(bare(other.socket.text), ok("no", "connection: close\r\n"));
    other.socket.send(`5\r\n${GET}`);
    await settle();
    assertEquals(other.requests.length, 1, "what comes is a body and no request");
    other.socket.end();
    await settle();
  }
});

Deno.test("a body that is given up in its middle ends the connection", async () => {
  const { socket, requests } = start(async ({ body }) => {
    const reading = body.read(100).catch(() => {});
    body.cancel();
    await reading;
    return response("late", [], 408);
  });
  socket.send(post("12", "Content-Length: 40\r\n"));
  await settle();
  assertStringIncludes(socket.text, "connection: close\r\n");
  socket.send(GET.repeat(3));
  await settle();
  assertEquals(requests.length, 1);
  socket.end();
  await settle();
});

Deno.test("bodies that are too large or in bad chunks get their answer, and end the connection", async () => {
  const large = start();
  large.socket.send(post("x".repeat(2_000)));
  await settle();
  assertEquals(bare(large.socket.text), ok("POST /a x".replace(/x$/, "") + "x".repeat(2_000)), "it was here already");
  large.socket.send(post("x".repeat(900), "Content-Length: 20000\r\n"));
  await settle();
  assertEquals(bare(large.socket.writes[1]!), ok("POST /a too large", "connection: close\r\n"));
  large.socket.end();
  await settle();

  const bad = start();
  bad.socket.send(post("5\r\nhelloX", "Transfer-Encoding: chunked\r\n"));
  await settle();
  assertStringIncludes(bad.socket.text, "HTTP/1.1 400 ");
  assertEquals([bad.socket.writes.length, bad.socket.state], [1, "ended"]);
  bad.socket.end();
  await settle();
});

Deno.test("a head that does not come, or not to its end, is not waited for longer than the limit", async () => {
  const { socket, connect, clock, server } = start();
  const slow = connect();
  slow.send("GET / HTTP/1.1\r\nHost: a\r\n");
  const later = connect();
  later.send(GET);
  await clock.advance(900);
  later.send("GET / HT");
  slow.send("x: y\r\n");
  await clock.advance(99);
  assertEquals([socket.state, slow.state, later.state], ["open", "open", "open"]);
  await clock.advance(501);
  assertEquals([socket.state, socket.text], ["closed", ""]);
  assertStringIncludes(slow.text, "HTTP/1.1 408 ");
  assertEquals([slow.state, later.state], ["ended", "open"]);
  await clock.advance(1_000);
  assertEquals(later.state, "ended");
  await clock.advance(3_000);
  assertEquals([server.connections, clock.pending], [0, 0]);
});

Deno.test("a connection may be idle for its time between two requests, and no longer", async () => {
  const { socket, clock } = start();
  for (let i = 0; i < 3; i++) {
    socket.send(GET);
    await clock.advance(5_900);
    assertEquals(socket.state, "open");
  }
  await clock.advance(1_000);
  assertEquals([socket.state, clock.pending], ["closed", 0]);
});

Deno.test("an answer may take its time", async () => {
  const { socket, clock } = start(() => new Promise(() => {}));
  socket.send(GET);
  await clock.advance(60_000);
  assertEquals(socket.state, "open");
  socket.cut();
  await settle();
});

Deno.test("a client that takes nothing of its answer is closed, and one that takes it slowly is not", async () => {
  const { socket, connect, clock } = start(() => response("x".repeat(100_000)));
  socket.mostBytes = 0;
  socket.send(GET);
  const slow = connect();
  slow.mostBytes = 1;
  slow.send(GET);
  await clock.advance(5_900);
  assertEquals(socket.state, "open");
  await clock.advance(1_000);
  assertEquals([socket.state, slow.state], ["closed", "open"]);
  slow.mostBytes = Infinity;
  await settle();
  slow.end();
  await settle();
});

Deno.test("connections are counted, and one too many is told so", async () => {
  const { socket, connect, server, logged, clock } = start();
  connect();
  const third = connect();
  const [fourth, fifth] = [connect(), connect()];
  await settle();
  assertStringIncludes(fourth.text, "HTTP/1.1 503 ");
  assertEquals([fourth.state, fifth.state, server.connections], ["closed", "closed", 3]);
  assertEquals(logged, ["connections are turned away"], "and the log is not flooded");
  third.end();
  await settle();
  const sixth = connect();
  sixth.send(GET);
  await settle();
  assertEquals(bare(sixth.text), ok("GET /a "));
  await clock.advance(60_000);
  assertEquals([socket.state, server.connections, clock.pending], ["closed", 0, 0]);
});

Deno.test("shutdown closes who is idle, has those under way answered, and takes nobody in", async () => {
  const answers: ((response: HostResponse) => void)[] = [];
  const { socket, connect, server, clock } = start(() => new Promise((resolve) => answers.push(resolve)));
  const busy = connect();
  busy.send(GET);
  const arriving = connect();
  arriving.send(GET.slice(0, -2));
  await settle();
  let isDown = false;
  const down = server.shutdown().then(() => isDown = true);
  await settle();
  assertEquals([socket.state, busy.state, arriving.state, isDown], ["closed", "open", "open", false]);
  assertEquals(connect().state, "open");
  arriving.send("\r\n");
  await settle();
  for (const answer of answers) answer(response("done"));
  await settle();
  for (const each of [busy, arriving]) {
    assertEquals(bare(each.text), ok("done", "connection: close\r\n"));
    each.end();
  }
  await down;
  assertEquals([server.connections, clock.pending], [0, 0]);
  await server.shutdown();
});

Deno.test("a mistake of a handler is answered, and told the log alone", async () => {
  const mistakes: readonly Answer[] = [
    () => Promise.reject(new Error("secret")),
    () => ({ status: 200, fields: undefined as unknown as [], body: null }),
  ];
  for (const mistake of mistakes) {
    const { socket, logged } = start(mistake);
    socket.send(GET);
    await settle();
    assertStringIncludes(socket.text, "HTTP/1.1 500 ");
    assert(!socket.text.includes("secret"));
    assertEquals([logged.length, socket.state], [1, "ended"]);
    socket.end();
    await settle();
  }
});

const UPGRADE = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";

Deno.test("nobody takes WebSockets where nobody is there for it", async () => {
  const { socket } = start();
  socket.send(UPGRADE);
  await settle();
  assertStringIncludes(socket.text, "HTTP/1.1 501 ");
  socket.end();
  await settle();
});

Deno.test("a connection that asks for a WebSocket is handed over with what came behind, and counts until it is closed", async () => {
  for (const before of ["", GET]) {
    const taken = Promise.withResolvers<void>();
    let seen = "";
    const { socket, server, clock } = start(echo, {}, async ({ request, connection, rest }) => {
      seen = `${request.path} ${request.headers.get("upgrade")} ${new TextDecoder().decode(rest)}`;
      const into = new Uint8Array(10);
      const count = await connection.read(into);
      await connection.write(into.subarray(0, count ?? 0));
      await taken.promise;
      connection.close();
    });
    socket.send(`${before}${UPGRADE}abc`);
    await settle();
    socket.send("def");
    await settle();
    assertEquals([seen, socket.writes.at(-1)], ["/ws websocket abc", "def"]);
    await clock.advance(60_000);
    assertEquals([socket.state, server.connections], ["open", 1]);
    taken.resolve();
    await settle();
    assertEquals([socket.state, server.connections, clock.pending], ["closed", 0, 0]);
  }
});

Deno.test("who takes a connection and makes a mistake has it closed", async () => {
  const { socket, logged } = start(echo, {}, () => Promise.reject(new Error("a mistake")));
  socket.send(UPGRADE);
  await settle();
  assertEquals([socket.state, logged.length], ["closed", 1]);
});
