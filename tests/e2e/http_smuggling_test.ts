import { assert, assertEquals } from "@std/assert";
import { startEchoHost } from "../support/echo_host.ts";
import { HTTP_SERVERS, type HttpServer } from "../support/http_servers.ts";
import { RawConnection } from "../support/raw_http.ts";

const HOST = "Host: relay\r\n";
const GET = `GET /a HTTP/1.1\r\n${HOST}`;
const POST = `POST /a HTTP/1.1\r\n${HOST}`;
const CHUNKED = "Transfer-Encoding: chunked\r\n";
const IN_CHUNKS = `${POST}${CHUNKED}\r\n`;
const NO_CHUNKS = "0\r\n\r\n";

/**
 * What stands behind each of them on its connection: a request that is one, if the request before it has ended where its
 * sender means it to. Who disagrees with a proxy about that end gives one client's bytes to another.
 */
const NEXT = `GET /next HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`;

/** Nothing of it is answered as a request would be, and what follows it is no request either. */
const REFUSED = "refused";
/** It is refused, and what follows is the next request: where a request ends is not in doubt. */
const REFUSED_ALONE = "refused, and the connection stays";
/** It is answered, with this as the only meaning that it may have, and what follows is the next request. */
type Fate = typeof REFUSED | `taken as ${string}`;

/** What is sent, what becomes of it, and which servers are laxer than that. */
type Row = readonly [what: string, bytes: string, Fate, laxer?: Readonly<Partial<Record<HttpServer, string>>>];

const ROWS: readonly Row[] = [
  // Two lengths.
  ["a length and chunks", `${POST}Content-Length: 4\r\n${CHUNKED}\r\n${NO_CHUNKS}`, REFUSED],
  ["chunks and a length", `${POST}${CHUNKED}Content-Length: 3\r\n\r\n5\r\nhello\r\n${NO_CHUNKS}`, REFUSED],
  ["two lengths that differ", `${POST}Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc`, REFUSED],
  ["two lengths that differ in one field", `${POST}Content-Length: 2, 3\r\n\r\nabc`, REFUSED],
  ["one length twice in one field", `${POST}Content-Length: 2, 2\r\n\r\nab`, REFUSED],
  ["one length twice", `${POST}Content-Length: 2\r\nContent-Length: 2\r\n\r\nab`, REFUSED, { deno: "taken as ab" }],
  // Lengths that are none.
  ["a length with a plus", `${POST}Content-Length: +2\r\n\r\nab`, REFUSED],
  ["a length below zero", `${POST}Content-Length: -2\r\n\r\nab`, REFUSED],
  ["a length in hexadecimal", `${POST}Content-Length: 0x2\r\n\r\nab`, REFUSED],
  ["a length with a fraction", `${POST}Content-Length: 2.0\r\n\r\nab`, REFUSED],
  ["a length with an exponent", `${POST}Content-Length: 2e0\r\n\r\nab`, REFUSED],
  ["a length with something behind", `${POST}Content-Length: 2 a\r\n\r\nab`, REFUSED],
  ["a length of nothing", `${POST}Content-Length:\r\n\r\n`, REFUSED],
  ["a length with NUL", `${POST}Content-Length: 2\0\r\n\r\nab`, REFUSED],
  ["a length with a space before the colon", `${POST}Content-Length : 2\r\n\r\nab`, REFUSED],
  ["a length on two lines", `${POST}Content-Length: 2\r\n 0\r\n\r\nab`, REFUSED],
  ["a length above 2^64", `${POST}Content-Length: 18446744073709551618\r\n\r\nab`, REFUSED],
  ["a length above 2^53", `${POST}Content-Length: 9007199254740994\r\n\r\nab`, REFUSED],
  ["a length with zeros before", `${POST}Content-Length: 002\r\n\r\nab`, "taken as ab"],
  // Codings.
  ["a coding that nobody knows", `${POST}Transfer-Encoding: xchunked\r\n\r\n${NO_CHUNKS}`, REFUSED],
  ["the same with a length", `${POST}Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\n${NO_CHUNKS}`, REFUSED],
  ["chunks in a coding", `${POST}Transfer-Encoding: chunked, identity\r\n\r\n${NO_CHUNKS}`, REFUSED],
  [
    "a coding in chunks",
    `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n${NO_CHUNKS}`,
    REFUSED,
    { deno: "taken as ", node: "taken as " },
  ],
  ["chunks twice", `${POST}${CHUNKED}${CHUNKED}\r\n${NO_CHUNKS}`, REFUSED],
  ["chunks twice in one field", `${POST}Transfer-Encoding: chunked, chunked\r\n\r\n${NO_CHUNKS}`, REFUSED],
  ["chunks, then another coding", `${POST}${CHUNKED}Transfer-Encoding: cow\r\n\r\n${NO_CHUNKS}`, REFUSED],
  ["another coding, then chunks", `${POST}Transfer-Encoding: cow\r\n${CHUNKED}\r\n${NO_CHUNKS}`, REFUSED, {
    deno: "taken as ",
    node: "taken as ",
  }],
  ["identity", `${POST}Transfer-Encoding: identity\r\n\r\n`, REFUSED],
  ["identity and a length", `${POST}Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nab`, REFUSED],
  ["no coding, and a length", `${POST}Transfer-Encoding:\r\nContent-Length: 5\r\n\r\n${NO_CHUNKS}`, REFUSED, {
    node: "taken as 0\r\n\r\n",
  }],
  ["a coding with a space before the colon", `${POST}Transfer-Encoding : chunked\r\n\r\n${NO_CHUNKS}`, REFUSED],
  ["a coding behind a vertical tab", `${POST}Transfer-Encoding:\x0bchunked\r\n\r\n${NO_CHUNKS}`, REFUSED],
  ["a coding in quotes", `${POST}Transfer-Encoding: "chunked"\r\n\r\n${NO_CHUNKS}`, REFUSED],
  ["a coding with a parameter", `${POST}Transfer-Encoding: chunked;a=b\r\n\r\n${NO_CHUNKS}`, REFUSED],
  ["a coding and a comma", `${POST}Transfer-Encoding: chunked,\r\n\r\n${NO_CHUNKS}`, REFUSED],
  ["a comma and a coding", `${POST}Transfer-Encoding: ,chunked\r\n\r\n${NO_CHUNKS}`, REFUSED, { node: "taken as " }],
  ["a coding on a line of its own", `${POST}Transfer-Encoding:\r\n chunked\r\n\r\n${NO_CHUNKS}`, REFUSED],
  ["a coding that begins with a space", `${POST} ${CHUNKED}\r\n${NO_CHUNKS}`, REFUSED],
  ["a coding that goes on with the line before", `${POST}X: y\r\n ${CHUNKED}\r\n`, REFUSED],
  ["a coding behind a bare line feed", `${POST}X: y\n${CHUNKED}\r\n${NO_CHUNKS}`, REFUSED, { deno: "taken as " }],
  ["a coding behind a bare carriage return", `${POST}X: y\r${CHUNKED}\r\n`, REFUSED],
  ["a coding behind a tab", `${POST}Transfer-Encoding:\tchunked\r\n\r\n${NO_CHUNKS}`, "taken as "],
  ["chunks from a client of HTTP/1.0", `POST /a HTTP/1.0\r\n${CHUNKED}\r\n${NO_CHUNKS}`, REFUSED, {
    node: "taken as , and the connection ends",
  }],
  // Chunks.
  ["a chunk's size in another notation", `${IN_CHUNKS}0x3\r\nabc\r\n${NO_CHUNKS}`, REFUSED],
  ["a chunk's size with a plus", `${IN_CHUNKS}+3\r\nabc\r\n${NO_CHUNKS}`, REFUSED],
  ["a chunk's size below zero", `${IN_CHUNKS}-3\r\nabc\r\n${NO_CHUNKS}`, REFUSED],
  ["a chunk's size behind a space", `${IN_CHUNKS} 3\r\nabc\r\n${NO_CHUNKS}`, REFUSED, { deno: "taken as abc" }],
  ["a chunk's size before a space", `${IN_CHUNKS}3 \r\nabc\r\n${NO_CHUNKS}`, REFUSED, { deno: "taken as abc" }],
  ["a chunk's size that is none", `${IN_CHUNKS}3g\r\nabc\r\n${NO_CHUNKS}`, REFUSED],
  ["a chunk without a size", `${IN_CHUNKS}\r\nabc\r\n${NO_CHUNKS}`, REFUSED],
  ["a chunk's size that is 3 again after 2^64", `${IN_CHUNKS}10000000000000003\r\nabc\r\n${NO_CHUNKS}`, REFUSED],
  ["a chunk's size of 2^64 - 1", `${IN_CHUNKS}ffffffffffffffff\r\nabc\r\n${NO_CHUNKS}`, REFUSED],
  ["a chunk's size that is 3 as a small integer", `${IN_CHUNKS}100000003\r\nabc\r\n${NO_CHUNKS}`, REFUSED],
  ["a chunk's size that is 2^53 + 3", `${IN_CHUNKS}20000000000003\r\nabc\r\n${NO_CHUNKS}`, REFUSED],
  ["no line's end behind a chunk", `${IN_CHUNKS}3\r\nabcXX${NO_CHUNKS}`, REFUSED],
  ["a chunk that is longer than its size", `${IN_CHUNKS}3\r\nabcde\r\n${NO_CHUNKS}`, REFUSED],
  ["a bare line feed behind a chunk's size", `${IN_CHUNKS}3\nabc\r\n${NO_CHUNKS}`, REFUSED],
  ["a bare carriage return behind a chunk's size", `${IN_CHUNKS}3\rabc\r\n${NO_CHUNKS}`, REFUSED],
  ["a bare line feed behind a chunk", `${IN_CHUNKS}3\r\nabc\n${NO_CHUNKS}`, REFUSED],
  ["a bare line feed behind the last chunk's size", `${IN_CHUNKS}3\r\nabc\r\n0\n\r\n`, REFUSED],
  ["a bare line feed at the end of it all", `${IN_CHUNKS}3\r\nabc\r\n0\r\n\n`, REFUSED],
  ["a bare line feed in an extension", `${IN_CHUNKS}3;a\nb\r\nabc\r\n${NO_CHUNKS}`, REFUSED],
  ["a bare carriage return in an extension", `${IN_CHUNKS}3;a\rb\r\nabc\r\n${NO_CHUNKS}`, REFUSED],
  ["NUL in an extension", `${IN_CHUNKS}3;a\0b\r\nabc\r\n${NO_CHUNKS}`, REFUSED],
  ["an extension of 100 KB", `${IN_CHUNKS}3;${"a".repeat(100_000)}\r\nabc\r\n${NO_CHUNKS}`, REFUSED, {
    node: "taken as abc",
  }],
  ["an extension in quotes", `${IN_CHUNKS}3;a="b;c"\r\nabc\r\n${NO_CHUNKS}`, "taken as abc"],
  ["no final line's end", `${IN_CHUNKS}3\r\nabc\r\n0\r\n`, REFUSED],
  ["a trailer on two lines", `${IN_CHUNKS}0\r\nX: 1\r\n 2\r\n\r\n`, REFUSED],
  ["a trailer with NUL", `${IN_CHUNKS}0\r\nX: \0\r\n\r\n`, REFUSED],
  ["a trailer without a colon", `${IN_CHUNKS}0\r\nX\r\n\r\n`, REFUSED],
  ["trailers of 120 KB", `${IN_CHUNKS}0\r\n${"X: 1\r\n".repeat(20_000)}\r\n`, REFUSED, { node: "taken as " }],
  // Heads.
  ["bare line feeds for all lines' ends", `GET /a HTTP/1.1\nHost: relay\n\n`, REFUSED, { deno: "taken as " }],
  ["a bare line feed for the last one", `${GET}\n`, REFUSED, { deno: "taken as " }],
  ["NUL in a field's name", `${GET}X\0: 1\r\n\r\n`, REFUSED],
  ["NUL in a field's value", `${GET}X: a\0b\r\n\r\n`, REFUSED],
  ["a bare carriage return in a field's value", `${GET}X: a\rb\r\n\r\n`, REFUSED],
  ["a field without a colon", `${GET}X\r\n\r\n`, REFUSED],
  ["a field without a name", `${GET}: x\r\n\r\n`, REFUSED],
  ["a field on two lines", `${GET}X: a\r\n b\r\n\r\n`, REFUSED],
  ["a first field that goes on with nothing", `GET /a HTTP/1.1\r\n X: 1\r\n${HOST}\r\n`, REFUSED],
  ["NUL in the target", `GET /a\0b HTTP/1.1\r\n${HOST}\r\n`, REFUSED],
  ["a space in the target", `GET /a b HTTP/1.1\r\n${HOST}\r\n`, REFUSED],
  ["a target without a slash", `GET a HTTP/1.1\r\n${HOST}\r\n`, REFUSED],
  ["a tab for a space", `GET\t/a HTTP/1.1\r\n${HOST}\r\n`, REFUSED],
  ["a space at the request line's end", `GET /a HTTP/1.1 \r\n${HOST}\r\n`, REFUSED],
  ["a version that is to come", `GET /a HTTP/1.2\r\n${HOST}\r\n`, REFUSED],
  ["a version with a zero", `GET /a HTTP/01.1\r\n${HOST}\r\n`, REFUSED],
  ["a version in small letters", `GET /a http/1.1\r\n${HOST}\r\n`, REFUSED],
  ["half a version", `GET /a HTTP/1\r\n${HOST}\r\n`, REFUSED],
  ["a version that needs other bytes", `GET /a HTTP/2.0\r\n${HOST}\r\n`, REFUSED, {
    node: "taken as , and the connection ends",
  }],
  ["no version", `GET /a\r\n\r\n`, REFUSED, { node: "taken as , and the connection ends" }],
  ["two spaces", `GET  /a HTTP/1.1\r\n${HOST}\r\n`, REFUSED, { node: "taken as " }],
  // Hosts.
  ["two hosts", `${GET}Host: b.example\r\n\r\n`, REFUSED, { node: "taken as " }],
  ["no host", `GET /a HTTP/1.1\r\n\r\n`, REFUSED, { deno: "taken as ", node: REFUSED_ALONE }],
];

for (const [what, bytes, fate, laxer = {}] of ROWS) {
  for (const server of HTTP_SERVERS) {
    const meant = laxer[server] ?? fate;
    Deno.test(`${server}: ${what}: ${meant === REFUSED ? REFUSED : JSON.stringify(meant)}`, async () => {
      await using host = await startEchoHost(server);
      using connection = await RawConnection.open(host.url);
      await connection.write(bytes, NEXT);
      // Who waits for more is told that nothing comes.
      if (meant === REFUSED) await connection.endWriting();
      const answer = await connection.readToEnd();
      const seen = host.seen.toSorted();
      const next = "GET /next  ";
      if (meant === REFUSED) {
        assertEquals(seen, [], answer);
        assert(answer === "" || /^HTTP\/1\.1 (4\d\d|50[015]) /.test(answer), answer);
      } else if (meant === REFUSED_ALONE) assertEquals(seen, [next]);
      else {
        const [, body, end] = /^taken as (.*?)(, and the connection ends)?$/s.exec(meant)!;
        const verb = bytes.slice(0, bytes.indexOf(" "));
        const own = `${verb} /a  ${body}`;
        assertEquals(seen, end === undefined ? [own, next].sort() : [own]);
      }
      // Whatever it was: the next client finds the server well.
      using other = await RawConnection.open(host.url);
      await other.write(NEXT);
      assertEquals((await other.read()).status, 200);
    });
  }
}
