/** Why a request gets no further than the server, as the status that says so. */
export type Refusal = 400 | 408 | 414 | 417 | 431 | 500 | 501 | 503 | 505;

const REASONS: Readonly<Record<Refusal, readonly [phrase: string, text: string]>> = {
  400: ["Bad Request", "this is no request of HTTP/1.1 that all would read alike (RFC 9112)"],
  408: ["Request Timeout", "the head of the request took too long"],
  414: ["URI Too Long", "the target of the request is too long"],
  417: ["Expectation Failed", "the only expectation that is known is 100-continue"],
  431: ["Request Header Fields Too Large", "the head of the request is too large"],
  500: ["Internal Server Error", "the relay made a mistake"],
  501: ["Not Implemented", "this transfer coding, or change of protocol, is not known here"],
  503: ["Service Unavailable", "there are too many connections"],
  505: ["HTTP Version Not Supported", "the only versions that are known are HTTP/1.1 and HTTP/1.0"],
};

/** The whole response that refuses a request, behind which the connection is closed. */
export function refusalBytes(refusal: Refusal): Uint8Array<ArrayBuffer> {
  const [phrase, text] = REASONS[refusal];
  return new TextEncoder().encode(
    `HTTP/1.1 ${refusal} ${phrase}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${
      text.length + 1
    }\r\n` +
      `connection: close\r\n\r\n${text}\n`,
  );
}
