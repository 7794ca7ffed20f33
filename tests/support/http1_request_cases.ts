import { ByteMutator, FRAMING_PIECES } from "./byte_mutator.ts";
import { latin1Bytes } from "./http1_parse.ts";

/** What a client sends on one connection, made at random. */
export interface RequestsCase {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The same in parts. */
  readonly parts: readonly Uint8Array<ArrayBuffer>[];
  /** Changes after it was good; 0 for good ones. */
  readonly mutations: number;
}

/** Makes requests, several for a connection, most of them broken somewhere. */
export class RequestMaker extends ByteMutator {
  constructor(random: () => number) {
    super(random, PIECES);
  }

  make(): RequestsCase {
    let bytes = latin1Bytes(Array.from({ length: 1 + this.below(3) }, () => this.#request()).join(""));
    const mutations = this.chance(0.1) ? 0 : 1 + this.below(4);
    for (let i = 0; i < mutations; i++) bytes = this.mutate(bytes);
    return { bytes, parts: this.split(bytes), mutations };
  }

  #request(): string {
    const verb = this.pick(["GET", "POST", "POST", "POST", "HEAD", "PUT", "DELETE", "OPTIONS"]);
    const target = this.pick(["/", "/", "/a/b?c=d", "/%2e%2e/x?y=z&[]", "http://b.example/a?b", "*"]);
    const fields = ["Host: relay"];
    for (let i = this.below(4); i > 0; i--) fields.push(this.pick(FIELDS));
    const line = `${verb} ${target === "*" && verb !== "OPTIONS" ? "/" : target} HTTP/1.1`;
    const body = this.#word();
    const how = this.chance(0.5) ? "length" : this.pick(["chunks", "nothing"]);
    if (how === "chunks") return head(line, [...fields, "Transfer-Encoding: chunked"]) + this.#chunks();
    if (how === "nothing") return head(line, fields);
    return head(line, [...fields, `Content-Length: ${body.length}`]) + body;
  }

  #chunks(): string {
    let text = "";
    for (let i = this.below(4); i > 0; i--) {
      const chunk = this.#word() || "x";
      text += `${chunk.length.toString(16)}${this.chance(0.1) ? ";a=b" : ""}\r\n${chunk}\r\n`;
    }
    return `${text}0\r\n${this.chance(0.2) ? "X-Sum: 1\r\n" : ""}\r\n`;
  }

  #word(): string {
    return this.pick([
      "",
      "x",
      '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}',
      "\r\n\r\n",
      "0\r\n\r\n",
      "GET /inside HTTP/1.1\r\nHost: a\r\n\r\n",
      "a".repeat(300),
      "\xff\0",
    ]);
  }
}

const FIELDS = [
  "Content-Type: application/json",
  "Accept: */*",
  "User-Agent: a/1 (b; c)",
  "project-id: p",
  "X-Empty:",
  "X-Space: \t a b \t",
  "Connection: keep-alive",
  "Accept-Encoding: gzip, br",
  "X-High: \xe9\xff",
  "x-twice: 1",
  "X-Twice: 2",
];

const PIECES = [
  "Content-Length: 5\r\n",
  "Content-Length: 0\r\n",
  "content-length : 5\r\n",
  "Content-Length: +5\r\n",
  "Content-Length: 5, 5\r\n",
  "Content-Length: 00005\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding: gzip, chunked\r\n",
  "Transfer-Encoding: identity\r\n",
  "Transfer-Encoding:\r\n chunked\r\n",
  "Transfer-Encoding:\tchunked\r\n",
  "Connection: close\r\n",
  "Connection: keep-alive, close\r\n",
  "Expect: 100-continue\r\n",
  "Host: other\r\n",
  "Host: a/b\r\n",
  "GET / HTTP/1.1\r\nHost: relay\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: relay\r\nContent-Length: 1\r\n\r\nx",
  "GET / HTTP/1.0\r\n\r\n",
  " HTTP/1.0\r\n",
  "HTTP/1.1",
  ...FRAMING_PIECES,
  "#",
  "http://a",
];

function head(line: string, fields: readonly string[]): string {
  return [line, ...fields, "", ""].join("\r\n");
}
