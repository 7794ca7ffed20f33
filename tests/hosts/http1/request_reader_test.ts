import { assert, assertEquals } from "@std/assert";
import { RequestReader } from "../../../src/hosts/http1/request_reader.ts";
import type { RequestHead } from "../../../src/hosts/http1/request_head.ts";
import { latin1Bytes } from "../../support/http1_parse.ts";

/** What a reader makes of the bytes: the head in a line, the status that refuses it, or `more`. */
function read(text: string, ...splits: readonly number[]): string {
  return show(readHead(new RequestReader(), text, splits));
}

function readHead(
  reader: RequestReader,
  text: string,
  splits: readonly number[] = [],
): ReturnType<RequestReader["readHead"]> {
  const bytes = latin1Bytes(text);
  let head: ReturnType<RequestReader["readHead"]>;
  let from = 0;
  for (const to of [...splits, bytes.length]) {
    for (let part = bytes.subarray(from, to); part.length > 0 && head === undefined;) {
      const space = reader.space(false);
      const count = Math.min(space.length, part.length);
      space.set(part.subarray(0, count));
      reader.advance(count);
      part = part.subarray(count);
      head = reader.readHead();
    }
    from = to;
  }
  return head;
}

function show(head: RequestHead | number | undefined): string {
  if (head === undefined) return "more";
  if (typeof head === "number") return String(head);
  const flags = [
    head.isPersistent ? "keep" : "close",
    ...(head.expectsContinue ? ["continue"] : []),
    ...(head.isUpgrade ? ["upgrade"] : []),
  ];
  const target = head.query === "" ? head.path : `${head.path}?${head.query}`;
  return `${head.verb} ${target} ${head.bodyLength} ${flags.join(" ")}`;
}

const H = "Host: relay.example\r\n";
const POST = "POST / HTTP/1.1\r\nHost: a\r\n";

/** Requests that are read, and as what: verb, target, length of the body (-1 for chunks), what becomes of the connection. */
const GOOD: readonly (readonly [string, string])[] = [
  [`GET / HTTP/1.1\r\n${H}\r\n`, "GET / 0 keep"],
  [`GET /a/../b%2fc?x=%20&y HTTP/1.1\r\n${H}\r\n`, "GET /a/../b%2fc?x=%20&y 0 keep"],
  [`GET /? HTTP/1.1\r\n${H}\r\n`, "GET / 0 keep"],
  [`GET http://relay.example/a?b HTTP/1.1\r\n${H}\r\n`, "GET /a?b 0 keep"],
  [`GET HTTPS://relay.example HTTP/1.1\r\n${H}\r\n`, "GET / 0 keep"],
  [`GET http://relay.example?b HTTP/1.1\r\n${H}\r\n`, "GET /?b 0 keep"],
  [`OPTIONS * HTTP/1.1\r\n${H}\r\n`, "OPTIONS * 0 keep"],
  [`CONNECT relay.example:443 HTTP/1.1\r\n${H}\r\n`, "CONNECT relay.example:443 0 close"],
  [`M-SEARCH / HTTP/1.1\r\n${H}\r\n`, "M-SEARCH / 0 keep"],
  ["GET / HTTP/1.0\r\n\r\n", "GET / 0 close"],
  ["GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET / 0 keep"],
  [`GET / HTTP/1.1\r\n${H}Connection: foo, CLOSE\r\n\r\n`, "GET / 0 close"],
  [`GET / HTTP/1.1\r\n${H}connection: keep-alive\r\n\r\n`, "GET / 0 keep"],
  ["GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET / 0 keep"],
  ["GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", "GET / 0 keep"],
  [`\r\nGET / HTTP/1.1\r\n${H}\r\n`, "GET / 0 keep"],
  [`\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n${H}\r\n`, "GET / 0 keep"],
  [`${POST}Content-Length: 0\r\n\r\n`, "POST / 0 keep"],
  [`${POST}Content-Length:58 \t\r\n\r\n`, "POST / 58 keep"],
  [`${POST}Content-Length: 0058\r\n\r\n`, "POST / 58 keep"],
  [`${POST}Transfer-Encoding: Chunked\r\n\r\n`, "POST / -1 keep"],
  [`${POST}Expect: 100-Continue\r\nContent-Length: 5\r\n\r\n`, "POST / 5 keep continue"],
  [`${POST}Expect: 100-continue\r\n\r\n`, "POST / 0 keep"],
  ["POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", "POST / 5 close"],
  [`GET /ws HTTP/1.1\r\n${H}Upgrade: WebSocket\r\nConnection: Upgrade\r\n\r\n`, "GET /ws 0 keep upgrade"],
  [`GET /ws HTTP/1.1\r\n${H}Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n`, "GET /ws 0 keep"],
  [`GET /ws HTTP/1.1\r\n${H}Upgrade: websocket\r\nContent-Length: 1\r\n\r\n`, "GET /ws 1 keep"],
  [`${POST}X: caf\xe9 \t "quoted" ;=\r\n\r\n`, "POST / 0 keep"],
  [`${POST}X:\r\nY: \t \r\n\r\n`, "POST / 0 keep"],
];

/** Requests that are refused, and with what. Each is one that somebody could take for another than it is, or too much. */
const BAD: readonly (readonly [string, string])[] = [
  ["GET /\r\n\r\n", "400"],
  [" GET / HTTP/1.1\r\n\r\n", "400"],
  [`GET  / HTTP/1.1\r\n${H}\r\n`, "400"],
  [`GET /  HTTP/1.1\r\n${H}\r\n`, "400"],
  [`GET / HTTP/1.1 \r\n${H}\r\n`, "400"],
  [`GET\t/ HTTP/1.1\r\n${H}\r\n`, "400"],
  [`GET / http/1.1\r\n${H}\r\n`, "400"],
  [`GET / HTTP/11\r\n${H}\r\n`, "400"],
  [`GET / HTTP/1.10\r\n${H}\r\n`, "400"],
  [`G(T / HTTP/1.1\r\n${H}\r\n`, "400"],
  [`${"G".repeat(33)} / HTTP/1.1\r\n${H}\r\n`, "400"],
  [`GET a HTTP/1.1\r\n${H}\r\n`, "400"],
  [`GET * HTTP/1.1\r\n${H}\r\n`, "400"],
  [`GET ftp://a/ HTTP/1.1\r\n${H}\r\n`, "400"],
  [`GET http:///a HTTP/1.1\r\n${H}\r\n`, "400"],
  [`GET /a#b HTTP/1.1\r\n${H}\r\n`, "400"],
  [`GET /\xe9 HTTP/1.1\r\n${H}\r\n`, "400"],
  [`GET /\x00 HTTP/1.1\r\n${H}\r\n`, "400"],
  [`GET / HTTP/2.0\r\n${H}\r\n`, "505"],
  [`GET / HTTP/0.9\r\n${H}\r\n`, "505"],
  [`GET / HTTP/1.2\r\n${H}\r\n`, "505"],
  ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"],
  ["\x16\x03\x01\x02\x00", "400"],
  ["\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n", "400"],
  ["\rGET / HTTP/1.1\r\n", "400"],
  ["GET / HTTP/1.1\r\n\r\n", "400"],
  [`GET / HTTP/1.1\r\n${H}${H}\r\n`, "400"],
  ["GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", "400"],
  ["GET / HTTP/1.1\r\nHost: a, b c\r\n\r\n", "400"],
  ["GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400"],
  ["GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", "400"],
  [`GET / HTTP/1.1\n${H}\r\n`, "400"],
  ["GET / HTTP/1.1\r\nHost: a\n\r\n", "400"],
  ["GET / HTTP/1.1\r\nHost: a\r\n\n", "400"],
  ["GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", "400"],
  ["GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", "400"],
  [`${POST}X : a\r\n\r\n`, "400"],
  [`${POST}X\r\n\r\n`, "400"],
  [`${POST}: a\r\n\r\n`, "400"],
  [`${POST}X\xe9: a\r\n\r\n`, "400"],
  [`${POST}X Y: a\r\n\r\n`, "400"],
  [`${POST}X: a\r\n b\r\n\r\n`, "400"],
  [`${POST}X: a\r\n\tb: c\r\n\r\n`, "400"],
  [`POST / HTTP/1.1\r\n Host: a\r\n\r\n`, "400"],
  [`${POST}X: a\x00b\r\n\r\n`, "400"],
  [`${POST}X: a\x7fb\r\n\r\n`, "400"],
  [`${POST}X: a\x0bb\r\n\r\n`, "400"],
  [`${POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`, "400"],
  [`${POST}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n`, "400"],
  [`${POST}Content-Length: 5\r\nContent-Length: 6\r\n\r\n`, "400"],
  [`${POST}Content-Length: 5\r\nContent-Length: 5\r\n\r\n`, "400"],
  [`${POST}Content-Length: 5, 5\r\n\r\n`, "400"],
  [`${POST}Content-Length: +5\r\n\r\n`, "400"],
  [`${POST}Content-Length: -5\r\n\r\n`, "400"],
  [`${POST}Content-Length: 0x5\r\n\r\n`, "400"],
  [`${POST}Content-Length: 5 5\r\n\r\n`, "400"],
  [`${POST}Content-Length: 5e0\r\n\r\n`, "400"],
  [`${POST}Content-Length:\r\n\r\n`, "400"],
  [`${POST}Content-Length: 1234567890123456\r\n\r\n`, "400"],
  [`${POST}Transfer-Encoding: chunked, chunked\r\n\r\n`, "400"],
  [`${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`, "400"],
  [`${POST}Transfer-Encoding: chunked, identity\r\n\r\n`, "400"],
  [`${POST}Transfer-Encoding: identity\r\n\r\n`, "400"],
  [`${POST}Transfer-Encoding: xchunked\r\n\r\n`, "400"],
  [`${POST}Transfer-Encoding: chunked;q=1\r\n\r\n`, "400"],
  [`${POST}Transfer-Encoding: \x0bchunked\r\n\r\n`, "400"],
  [`${POST}Transfer-Encoding:\r\n\r\n`, "400"],
  [`${POST}Transfer-Encoding: , chunked\r\n\r\n`, "400"],
  [`${POST}Transfer-Encoding: gzip, chunked\r\n\r\n`, "501"],
  ["POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "400"],
  [`${POST}Expect: 200-ok\r\nContent-Length: 5\r\n\r\n`, "417"],
];

for (const [text, expected] of [...GOOD, ...BAD]) {
  Deno.test(`${JSON.stringify(text.slice(0, 90))} is ${expected}, wherever it is split`, () => {
    assertEquals(read(text), expected);
    for (let at = 1; at < text.length; at++) assertEquals(read(text, at), expected, `split at ${at}`);
    assertEquals(read(text, ...Array.from(text, (_, at) => at)), expected, "byte by byte");
  });
}

Deno.test("a head that has not ended is waited for", () => {
  for (const [text] of GOOD) {
    for (let at = 0; at < text.length; at++) assertEquals(read(text.slice(0, at)), "more", text.slice(0, at));
  }
});

Deno.test("heads and targets are bounded", () => {
  assertEquals(read(`GET /${"a".repeat(16_383)} HTTP/1.1\r\n${H}\r\n`).slice(0, 6), "GET /a");
  assertEquals(read(`GET /${"a".repeat(16_384)} HTTP/1.1\r\n${H}\r\n`), "414");
  assertEquals(read(`GET /${"a".repeat(20_000)}`), "414");
  const fields = (count: number) => Array.from({ length: count }, (_, index) => `x-${index}: y\r\n`).join("");
  assertEquals(read(`GET / HTTP/1.1\r\n${H}${fields(127)}\r\n`), "GET / 0 keep");
  assertEquals(read(`GET / HTTP/1.1\r\n${H}${fields(128)}\r\n`), "431");
  const long = `GET / HTTP/1.1\r\n${H}x: ${"y".repeat(60_000)}\r\n`;
  assertEquals(read(`${long}\r\n`), "GET / 0 keep");
  assertEquals(read(`${long}z: ${"y".repeat(6_000)}`), "431");
  assertEquals(read(`GET / HTTP/1.1\r\nx: ${"y".repeat(70_000)}`), "431");
});

Deno.test("fields are found whatever the size of their letters, and those of one name together", () => {
  const text = `POST / HTTP/1.1\r\nhOST: a\r\nProject-ID:  acme \r\nx: 1\r\nX: 2\r\nY:\r\nz: caf\xc3\xa9\r\n\r\n`;
  const head = readHead(new RequestReader(), text);
  assert(typeof head === "object");
  const names = ["host", "project-id", "x", "y", "z", "project-ie", "origin", "lava-extension", ""];
  assertEquals(names.map((name) => head.get(name)), [
    "a",
    "acme",
    "1, 2",
    "",
    "caf\u00c3\u00a9",
    null,
    null,
    null,
    null,
  ]);
});

Deno.test("a head that comes again is the same one, and one that differs in a byte is not", () => {
  const reader = new RequestReader();
  const text = (path: string) => `GET ${path} HTTP/1.1\r\n${H}\r\n`;
  const first = readHead(reader, text("/a"));
  assert(readHead(reader, text("/a"), [3, 20]) === first);
  assertEquals(show(readHead(reader, text("/b"))), "GET /b 0 keep");
  assertEquals(show(readHead(reader, text("/a"))), "GET /a 0 keep");
  // What comes behind one that is known is not lost.
  assertEquals(show(readHead(reader, text("/a") + text("/c"))), "GET /a 0 keep");
  assertEquals(show(reader.readHead()), "GET /c 0 keep");
  assertEquals(reader.waiting, 0);
});

Deno.test("what comes behind a request is kept, over the end of the buffer too", () => {
  const reader = new RequestReader();
  const body = "x".repeat(1_000);
  const text = `POST / HTTP/1.1\r\n${H}content-length: 1000\r\n\r\n${body}`;
  const bytes = latin1Bytes(text.repeat(20));
  let requests = 0;
  for (let at = 0; at < bytes.length;) {
    const space = reader.space(false);
    const count = Math.min(space.length, 700, bytes.length - at);
    space.set(bytes.subarray(at, at + count));
    reader.advance(count);
    at += count;
    if (reader.waiting < text.length) continue;
    const head = reader.readHead();
    assertEquals(show(head), "POST / 1000 keep");
    assertEquals(new TextDecoder().decode(reader.takeWhole(1_000)), body);
    requests++;
  }
  assertEquals([requests, reader.waiting], [20, 0]);
});
