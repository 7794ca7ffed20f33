import { type ParsedResponse, ResponseParser } from "../../src/transports/http1/response_parser.ts";

/** What became of a byte stream. */
export interface Parsed {
  /** In a line: `200 body keep`, with trailers behind it, or the fault. */
  readonly is: string;
  readonly response: ParsedResponse | undefined;
}

const parser = () => new ResponseParser({ maxHeadBytes: 8_192, maxBodyBytes: 100_000 });

/** Has one response parsed that comes in these parts; `isEnded` for a stream that ends behind them. */
export function parse(
  parts: readonly Uint8Array[],
  { isHead = false, isEnded = false }: { isHead?: boolean | undefined; isEnded?: boolean | undefined } = {},
): Parsed {
  const reader = parser();
  reader.begin(isHead);
  for (let part of parts) {
    while (part.length > 0 && (reader.state === "more" || reader.state === "done")) {
      if (reader.state === "done") return { is: "excess_bytes", response: undefined };
      const into = reader.space;
      const count = Math.min(into.length, part.length);
      into.set(part.subarray(0, count));
      reader.advance(count, into);
      part = part.subarray(count);
    }
  }
  if (isEnded) reader.end();
  if (reader.state !== "done") return { is: reader.state, response: undefined };
  const response = reader.take();
  const { status, body, isPersistent, trailers } = response;
  const text = [...body].map((byte) => String.fromCharCode(byte)).join("");
  const facts = [status, text, isPersistent ? "keep" : "close", ...trailers.map((field) => field.join("="))];
  return { is: facts.join(" "), response };
}

/** One byte for each character. */
export function latin1Bytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
