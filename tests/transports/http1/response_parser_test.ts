import { assert, assertEquals } from "@std/assert";
import { ResponseParser } from "../../../src/transports/http1/response_parser.ts";
import { latin1Bytes, parse } from "../../support/http1_parse.ts";
import { seededRandom } from "../../support/seeded_random.ts";

const OK = "HTTP/1.1 200 OK\r\n";

/** What has one meaning only: status, body, and whether the connection stays; `isEnded` for what ends with it. */
const READ: readonly { name: string; text: string; is: string; isHead?: boolean; isEnded?: boolean }[] = [
  { name: "a length", text: `${OK}Content-Length: 5\r\n\r\nhello`, is: "200 hello keep" },
  { name: "a length of nothing", text: `${OK}Content-Length: 0\r\n\r\n`, is: "200  keep" },
  { name: "zeros before a length", text: `${OK}Content-Length: 005\r\n\r\nhello`, is: "200 hello keep" },
  { name: "no reason", text: "HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n", is: "200  keep" },
  { name: "an empty reason", text: "HTTP/1.1 200 \r\ncontent-length: 0\r\n\r\n", is: "200  keep" },
  { name: "white space around a value", text: `${OK}content-length:  5 \r\n\r\nhello`, is: "200 hello keep" },
  {
    name: "chunks",
    text: `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n`,
    is: "200 hello keep",
  },
  {
    name: "a large hex digit",
    text: `${OK}Transfer-Encoding: Chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n`,
    is: "200 0123456789 keep",
  },
  {
    name: "extensions",
    text: `${OK}transfer-encoding: chunked\r\n\r\n1;a=b\r\nx\r\n0;q="z"\r\n\r\n`,
    is: "200 x keep",
  },
  {
    name: "trailers",
    text: `${OK}transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\n\r\n`,
    is: "200 x keep a=b",
  },
  { name: "close", text: `${OK}Connection: close\r\nContent-Length: 1\r\n\r\nx`, is: "200 x close" },
  { name: "close in a list", text: `${OK}Connection: x, CLOSE\r\nContent-Length: 1\r\n\r\nx`, is: "200 x close" },
  {
    name: "close beside keep-alive",
    text: `${OK}Connection: close\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx`,
    is: "200 x close",
  },
  { name: "HTTP/1.0", text: "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", is: "200 x close" },
  {
    name: "HTTP/1.0, kept",
    text: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx",
    is: "200 x keep",
  },
  { name: "until the end", text: `${OK}\r\nall of it`, is: "200 all of it close", isEnded: true },
  { name: "100 before it", text: `HTTP/1.1 100 Continue\r\n\r\n${OK}Content-Length: 1\r\n\r\nx`, is: "200 x keep" },
  {
    name: "103 before it",
    text: `HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n${OK}Content-Length: 1\r\n\r\nx`,
    is: "200 x keep",
  },
  { name: "204", text: "HTTP/1.1 204 No Content\r\n\r\n", is: "204  keep" },
  { name: "304", text: "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", is: "304  keep" },
  { name: "HEAD", text: `${OK}Content-Length: 99\r\n\r\n`, is: "200  keep", isHead: true },
  { name: "HEAD of chunks", text: `${OK}Transfer-Encoding: chunked\r\n\r\n`, is: "200  keep", isHead: true },
];

for (const { name, text, is, isHead, isEnded } of READ) {
  Deno.test(`read: ${name}, however it comes in`, () => {
    const bytes = latin1Bytes(text);
    for (let at = 0; at <= bytes.length; at++) {
      assertEquals(parse([bytes.subarray(0, at), bytes.subarray(at)], { isHead, isEnded }).is, is, `cut at ${at}`);
    }
    assertEquals(parse([...bytes].map((byte) => Uint8Array.of(byte)), { isHead, isEnded }).is, is);
  });
}

/** What two readers could take differently, or what is broken: every way in which answers have been smuggled. */
const REFUSED: readonly (readonly [name: string, text: string, fault: string])[] = [
  ["an extension without a name", `${OK}Transfer-Encoding: chunked\r\n\r\n1;\r\nx\r\n0\r\n\r\n`, "bad_chunk"],
  ["an extension behind a space", `${OK}Transfer-Encoding: chunked\r\n\r\n1 ;a\r\nx\r\n0\r\n\r\n`, "bad_chunk"],
  ["a length before a tab", `${OK}Content-Length: 5\t\r\n\r\nhello`, "bad_length"],
  ["length and chunks", `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, "bad_length"],
  ["chunks and length", `${OK}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`, "bad_length"],
  ["two lengths", `${OK}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`, "bad_length"],
  ["one length twice", `${OK}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`, "bad_length"],
  ["a list of lengths", `${OK}Content-Length: 5, 5\r\n\r\nhello`, "bad_length"],
  ["a length with a sign", `${OK}Content-Length: +5\r\n\r\nhello`, "bad_length"],
  ["a negative length", `${OK}Content-Length: -5\r\n\r\nhello`, "bad_length"],
  ["a length in hex", `${OK}Content-Length: 0x5\r\n\r\nhello`, "bad_length"],
  ["a broken length", `${OK}Content-Length: 5.0\r\n\r\nhello`, "bad_length"],
  ["an empty length", `${OK}Content-Length:\r\n\r\nhello`, "bad_length"],
  ["a length with a space in it", `${OK}Content-Length: 1 0\r\n\r\nhello`, "bad_length"],
  ["a length beyond all numbers", `${OK}Content-Length: 18446744073709551617\r\n\r\nx`, "bad_length"],
  ["a length of 2 GB", `${OK}Content-Length: 2147483648\r\n\r\nx`, "body_too_large"],
  ["another encoding", `${OK}Transfer-Encoding: gzip\r\n\r\nx`, "bad_transfer_encoding"],
  ["chunks inside another encoding", `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, "bad_transfer_encoding"],
  ["chunked twice", `${OK}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`, "bad_transfer_encoding"],
  [
    "two encodings",
    `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
    "bad_transfer_encoding",
  ],
  ["identity", `${OK}Transfer-Encoding: identity\r\n\r\nx`, "bad_transfer_encoding"],
  ["chunked before a tab", `${OK}Transfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n`, "bad_transfer_encoding"],
  ["nearly chunked", `${OK}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`, "bad_transfer_encoding"],
  ["quoted chunked", `${OK}Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n`, "bad_transfer_encoding"],
  ["chunked behind a vertical tab", `${OK}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`, "bad_header"],
  ["chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "bad_transfer_encoding"],
  ["a space before the colon", `${OK}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`, "bad_header"],
  ["a folded line", `${OK}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n`, "bad_header"],
  ["a folded first line", `${OK} x: y\r\n\r\n`, "bad_header"],
  ["no colon", `${OK}nonsense\r\n\r\n`, "bad_header"],
  ["no name", `${OK}: x\r\n\r\n`, "bad_header"],
  ["a zero byte", `${OK}x: a\0b\r\n\r\n`, "bad_header"],
  ["a lone CR in a value", `${OK}x: a\rContent-Length: 0\r\n\r\n`, "bad_header"],
  ["a lone LF after a value", `${OK}x: a\nContent-Length: 0\r\n\r\n`, "bad_header"],
  ["lone LFs", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", "bad_header"],
  ["a byte beyond ASCII in a name", `${OK}Content\xa0Length: 0\r\n\r\n`, "bad_header"],
  ["no status line", "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "bad_status_line"],
  ["HTTP/2", "HTTP/2 200 OK\r\n\r\n", "bad_status_line"],
  ["HTTP/1.2", "HTTP/1.2 200 OK\r\n\r\n", "bad_status_line"],
  ["HTTP/0.9", "<html>\r\n\r\n", "bad_status_line"],
  ["another protocol", "ICY 200 OK\r\n\r\n", "bad_status_line"],
  ["two spaces", "HTTP/1.1  200 OK\r\n\r\n", "bad_status_line"],
  ["a status of two digits", "HTTP/1.1 20 OK\r\n\r\n", "bad_status_line"],
  ["a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", "bad_status_line"],
  ["status 600", "HTTP/1.1 600 OK\r\n\r\n", "bad_status_line"],
  ["101", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "unexpected_status"],
  ["a body for 204", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", "bad_length"],
  ["chunks for 204", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "bad_transfer_encoding"],
  ["a body for 100", `HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nhello`, "bad_length"],
  [
    "an end after 100",
    `HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\n${OK}Content-Length: 0\r\n\r\n`,
    "unexpected_status",
  ],
  ["100 without end", "HTTP/1.1 100 Continue\r\n\r\n".repeat(20), "too_many_interim"],
  ["a chunk of no size", `${OK}Transfer-Encoding: chunked\r\n\r\n\r\nx\r\n0\r\n\r\n`, "bad_chunk"],
  ["a chunk size with a sign", `${OK}Transfer-Encoding: chunked\r\n\r\n+1\r\nx\r\n0\r\n\r\n`, "bad_chunk"],
  ["a chunk size with 0x", `${OK}Transfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n`, "bad_chunk"],
  ["a chunk size behind a space", `${OK}Transfer-Encoding: chunked\r\n\r\n 1\r\nx\r\n0\r\n\r\n`, "bad_chunk"],
  ["a chunk size before a space", `${OK}Transfer-Encoding: chunked\r\n\r\n1 \r\nx\r\n0\r\n\r\n`, "bad_chunk"],
  [
    "a chunk size that overflows",
    `${OK}Transfer-Encoding: chunked\r\n\r\n10000000000000001\r\nx\r\n0\r\n\r\n`,
    "bad_chunk",
  ],
  ["a chunk that is too long", `${OK}Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n`, "bad_chunk"],
  ["a chunk that ends in LF", `${OK}Transfer-Encoding: chunked\r\n\r\n1\r\nx\n0\r\n\r\n`, "bad_chunk"],
  ["a chunk size that ends in LF", `${OK}Transfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n`, "bad_chunk"],
  ["a CR in an extension", `${OK}Transfer-Encoding: chunked\r\n\r\n1;a\rb\r\nx\r\n0\r\n\r\n`, "bad_chunk"],
  [
    "an extension without end",
    `${OK}Transfer-Encoding: chunked\r\n\r\n1;${"a".repeat(300)}\r\nx\r\n0\r\n\r\n`,
    "bad_chunk",
  ],
  [
    "extensions of many chunks",
    `${OK}Transfer-Encoding: chunked\r\n\r\n${`1;${"a".repeat(250)}\r\nx\r\n`.repeat(40)}`,
    "head_too_large",
  ],
  ["a chunk that is too large", `${OK}Transfer-Encoding: chunked\r\n\r\nfffffff\r\nx`, "body_too_large"],
  ["a trailer that frames", `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n`, "bad_header"],
  ["trailers without end", `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n${"a: b\r\n".repeat(3000)}`, "head_too_large"],
  ["headers without end", `${OK}${"a: b\r\n".repeat(3000)}`, "head_too_large"],
  ["a header without end", `${OK}a: ${"b".repeat(20000)}`, "head_too_large"],
  ["a body without end", `${OK}\r\n${"x".repeat(100_001)}`, "body_too_large"],
  ["two answers", `${OK}Content-Length: 1\r\n\r\nx${OK}Content-Length: 1\r\n\r\ny`, "excess_bytes"],
  ["garbage behind the answer", `${OK}Content-Length: 1\r\n\r\nx\r\n`, "excess_bytes"],
];

for (const [name, text, fault] of REFUSED) {
  Deno.test(`refused: ${name}`, () => {
    const bytes = latin1Bytes(text);
    assertEquals(parse([bytes]).is, fault);
    // The excess of an answer is seen by who owns the connection, when it comes later.
    if (fault === "excess_bytes") return;
    assertEquals(parse([...bytes].map((byte) => Uint8Array.of(byte))).is, fault);
  });
}

Deno.test("an answer that ends early is cut off, wherever that is", () => {
  for (
    const text of [
      `${OK}Content-Length: 5\r\n\r\nhello`,
      `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    ]
  ) {
    for (let at = 0; at < text.length; at++) {
      assertEquals(parse([latin1Bytes(text.slice(0, at))], { isEnded: true }).is, "cut_off", `ended at ${at}`);
    }
  }
});

Deno.test("a large body is read to its place and comes out whole", () => {
  const body = "0123456789".repeat(9_000);
  const chunked = body.match(/.{1,7777}/g)!.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join("");
  for (
    const text of [
      `Content-Length: ${body.length}\r\n\r\n${body}`,
      `Transfer-Encoding: chunked\r\n\r\n${chunked}0\r\n\r\n`,
    ]
  ) {
    const bytes = latin1Bytes(OK + text);
    for (const size of [1000, 16_384, 50_000, 200_000]) {
      const parts = [];
      for (let at = 0; at < bytes.length; at += size) parts.push(bytes.subarray(at, at + size));
      assertEquals(parse(parts).is, `200 ${body} keep`);
    }
  }
});

Deno.test("what came behind a large body is seen in the same read, and not left for the next request", () => {
  for (const size of [100, 16_383, 16_384, 16_385, 40_000, 90_000]) {
    const body = "x".repeat(size);
    for (
      const text of [
        `Content-Length: ${size}\r\n\r\n${body}`,
        `Transfer-Encoding: chunked\r\n\r\n${size.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
      ]
    ) {
      const parser = new ResponseParser({ maxHeadBytes: 8_192, maxBodyBytes: 100_000 });
      parser.begin(false);
      // As much as there is room for in each read, as with a socket that has all of it.
      for (let rest = latin1Bytes(`${OK}${text}HTTP/1.1`); parser.state === "more";) {
        const into = parser.space;
        const part = rest.subarray(0, into.length);
        into.set(part);
        parser.advance(part.length, into);
        rest = rest.subarray(part.length);
      }
      assertEquals(parser.state, "excess_bytes", `${size} ${text.slice(0, 8)}`);
    }
  }
});

Deno.test("what is remembered of the head before changes nothing: one parser for many answers, or one for each", () => {
  const random = seededRandom(11);
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!;
  const create = () => new ResponseParser({ maxHeadBytes: 400, maxBodyBytes: 1_000 });
  let reader = create();
  let taken = 0;
  for (let i = 0; i < 20_000; i++) {
    const body = pick(["", "ok", "0123456789".repeat(5)]);
    const chunked = random() < 0.2;
    const head = [
      pick(["HTTP/1.1 200 OK", "HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found", "HTTP/1.0 200 OK"]),
      pick(["Server: a", "Server: a", "Server: b", "X-Long: " + "x".repeat(600), "Bad Header: 1", "Server: a\rb"]),
      ...(random() < 0.2 ? [pick(["Date: 1", "Connection: close", "Content-Length: 3"])] : []),
      chunked ? "Transfer-Encoding: chunked" : `Content-Length: ${body.length}`,
    ];
    const content = chunked
      ? `${body.length === 0 ? "" : `${body.length.toString(16)}\r\n${body}\r\n`}0\r\n\r\n`
      : body;
    const bytes = latin1Bytes(`${head.join("\r\n")}\r\n\r\n${content}`);
    const cuts = [Math.floor(random() * bytes.length), bytes.length];
    const isHead = random() < 0.1;
    const [expected, actual] = [create(), reader].map((parser) => {
      parser.begin(isHead);
      let at = 0;
      for (const cut of cuts) {
        while (at < cut && parser.state === "more") {
          const into = parser.space;
          const count = Math.min(into.length, cut - at);
          into.set(bytes.subarray(at, at + count));
          parser.advance(count, into);
          at += count;
        }
      }
      return parser.state === "done" ? parser.take() : parser.state;
    });
    assertEquals(actual, expected, String.fromCharCode(...bytes));
    // A fault is the end of a connection and its parser.
    if (typeof actual === "string") reader = create();
    else taken++;
  }
  assert(taken > 5_000, String(taken));
});
