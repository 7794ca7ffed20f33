import { ByteMutator, FRAMING_PIECES } from "./byte_mutator.ts";
import { latin1Bytes } from "./http1_parse.ts";

/** A response made at random, and what was done to it. */
export interface FuzzCase {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly isHead: boolean;
  /** Changes after it was a good one; 0 for a good one. */
  readonly mutations: number;
}

/** Makes responses, most of them broken somewhere. */
export class CaseMaker extends ByteMutator {
  constructor(random: () => number) {
    super(random, PIECES);
  }

  make(): FuzzCase {
    const isHead = this.chance(0.05);
    let bytes = latin1Bytes(this.#response(isHead));
    const mutations = this.chance(0.1) ? 0 : 1 + this.below(4);
    for (let i = 0; i < mutations; i++) bytes = this.mutate(bytes);
    return { bytes, isHead, mutations };
  }

  #response(isHead: boolean): string {
    const interim = this.chance(0.1) ? "HTTP/1.1 100 Continue\r\n\r\n" : "";
    const status = this.pick([
      "200 OK",
      "200 OK",
      "200",
      "404 Not Found",
      "500 a b",
      "204 No Content",
      "304 Not Modified",
    ]);
    const fields: string[] = [];
    for (let i = this.below(4); i > 0; i--) fields.push(this.pick(FIELDS));
    const body = this.#word();
    const isBodiless = status.startsWith("204") || status.startsWith("304");
    if (isBodiless) return `${interim}${head(status, fields)}`;
    if (this.chance(0.45)) {
      return interim + head(status, [...fields, "Transfer-Encoding: chunked"]) + (isHead ? "" : this.#chunks());
    }
    if (this.chance(0.1)) return interim + head(status, fields) + (isHead ? "" : body);
    return interim + head(status, [...fields, `Content-Length: ${body.length}`]) + (isHead ? "" : body);
  }

  #chunks(): string {
    let text = "";
    for (let i = this.below(4); i > 0; i--) {
      const chunk = this.#word() || "x";
      text += `${chunk.length.toString(16)}${this.chance(0.1) ? ";a=b" : ""}\r\n${chunk}\r\n`;
    }
    const trailers = this.chance(0.2) ? "X-Sum: 1\r\n" : "";
    return `${text}0\r\n${trailers}\r\n`;
  }

  #word(): string {
    return this.pick([
      "",
      "x",
      '{"jsonrpc":"2.0","id":1,"result":"0x1"}',
      "\r\n\r\n",
      "0\r\n\r\n",
      "a".repeat(300),
      "\xff\0",
    ]);
  }
}

const FIELDS = [
  "Content-Type: application/json",
  "Date: Tue, 24 Nov 2026 10:00:00 GMT",
  "Server: a",
  "X-Empty:",
  "X-Space: \t a b \t",
  "Connection: keep-alive",
  "Connection: close",
  "Keep-Alive: timeout=5",
  "Vary: a, b",
  "X-High: \xe9\xff",
];

const PIECES = [
  "Content-Length: 5\r\n",
  "Content-Length: 0\r\n",
  "content-length : 5\r\n",
  "Content-Length: +5\r\n",
  "Content-Length: 5, 5\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding: gzip, chunked\r\n",
  "Transfer-Encoding: identity\r\n",
  "Transfer-Encoding:\r\n chunked\r\n",
  "Connection: close\r\n",
  "Connection: upgrade\r\nUpgrade: x\r\n",
  "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
  "HTTP/1.1 100 Continue\r\n\r\n",
  "HTTP/1.0 ",
  ...FRAMING_PIECES,
];

function head(status: string, fields: readonly string[]): string {
  return [`HTTP/1.1 ${status}`, ...fields, "", ""].join("\r\n");
}
