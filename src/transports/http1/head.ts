import { fieldOf, type HeaderFields } from "../../domain/wire.ts";

/** What can be wrong with a response. */
export type Fault =
  | "bad_status_line"
  | "bad_header"
  | "bad_length"
  | "bad_transfer_encoding"
  | "bad_chunk"
  | "unexpected_status"
  | "too_many_interim"
  | "head_too_large"
  | "excess_bytes"
  | "body_too_large"
  | "cut_off";

/** How the body's end is found. */
export type Framing = { readonly kind: "length"; readonly bytes: number } | {
  readonly kind: "chunked" | "until_close";
};

/** The head of a response. */
export interface Head {
  readonly status: number;
  readonly headers: HeaderFields;
  readonly framing: Framing;
  /** Whether the connection may carry another request after this response. */
  readonly isPersistent: boolean;
  /** Seconds that the node keeps the connection for, from `Keep-Alive`; undefined where it does not say. */
  readonly keepAliveSeconds: number | undefined;
  /** The first of each, undefined for none. */
  readonly retryAfter: string | undefined;
  readonly contentEncoding: string | undefined;
}

/** A line without its end, and what it says as a header field, once somebody wanted to know. */
export interface HeadLine {
  readonly text: string;
  field?: readonly [name: string, value: string] | "bad_header";
}

/** `HTTP/1.1 200 OK`; a reason is optional, and so is the space before one that is not there. */
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t \x21-\x7e\x80-\xff]*)?$/;
/** No white space before the colon, no folded lines, no control characters. */
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t \x21-\x7e\x80-\xff]*)$/;
/** Fifteen digits fit into a number exactly. */
const LENGTH = /^\d{1,15}$/;

/** Reads the lines of a head, which end in CRLF each; `isHead` says that HEAD was asked for. */
export function readHead(lines: readonly HeadLine[], isHead: boolean): Head | Fault {
  const match = STATUS_LINE.exec(lines[0]!.text);
  if (match === null) return "bad_status_line";
  const isOld = match[1] === "0";
  const status = Number(match[2]);
  const headers = readFields(lines, 1);
  if (typeof headers === "string") return headers;
  // Nobody asked for another protocol.
  if (status === 101) return "unexpected_status";

  let length: string | undefined;
  let encoding: string | undefined;
  const connection: string[] = [];
  let keepAliveSeconds: number | undefined;
  for (let i = 0; i < headers.length; i++) {
    const [name, value] = headers[i]!;
    switch (name) {
      case "content-length":
        if (length !== undefined || !LENGTH.test(value) || hasTab(lines[i + 1]!)) return "bad_length";
        length = value;
        break;
      case "transfer-encoding":
        if (encoding !== undefined || value.toLowerCase() !== "chunked" || isOld || hasTab(lines[i + 1]!)) {
          return "bad_transfer_encoding";
        }
        encoding = value;
        break;
      case "connection":
        for (const token of value.toLowerCase().split(",")) connection.push(token.trim());
        break;
      case "keep-alive": {
        const seconds = /(?:^|[,;\s])timeout=(\d{1,9})/i.exec(value)?.[1];
        if (seconds !== undefined) keepAliveSeconds = Number(seconds);
      }
    }
  }
  if (length !== undefined && encoding !== undefined) return "bad_length";
  const framing = frame(status, isHead, length, encoding);
  if (typeof framing === "string") return framing;
  return {
    status,
    headers,
    framing,
    isPersistent: framing.kind !== "until_close" && !connection.includes("close") &&
      (!isOld || connection.includes("keep-alive")),
    keepAliveSeconds,
    retryAfter: fieldOf(headers, "retry-after"),
    contentEncoding: fieldOf(headers, "content-encoding"),
  };
}

/** Header fields or trailers, from the line `from` on. */
export function readFields(lines: readonly HeadLine[], from: number): HeaderFields | Fault {
  const fields: (readonly [string, string])[] = [];
  for (let i = from; i < lines.length; i++) {
    const field = lines[i]!.field ??= readField(lines[i]!.text);
    if (field === "bad_header") return field;
    fields.push(field);
  }
  return fields;
}

function readField(line: string): readonly [name: string, value: string] | "bad_header" {
  const match = FIELD.exec(line);
  return match === null ? "bad_header" : [match[1]!.toLowerCase(), match[2]!.replace(/[ \t]+$/, "")];
}

/** What would have changed where the body ends may not come after it. */
export function isTrailerAllowed(name: string): boolean {
  return name !== "content-length" && name !== "transfer-encoding";
}

/** Common readers take a tab at the end of a value for a part of it, and the body for one without chunks. */
function hasTab({ text }: HeadLine): boolean {
  return text.includes("\t");
}

function frame(
  status: number,
  isHead: boolean,
  length: string | undefined,
  encoding: string | undefined,
): Framing | Fault {
  if (status < 200 || status === 204) {
    // Neither has a body, and one that says otherwise means something else by it than others do.
    if (encoding !== undefined) return "bad_transfer_encoding";
    if (length !== undefined && Number(length) !== 0) return "bad_length";
    return { kind: "length", bytes: 0 };
  }
  if (isHead || status === 304) return { kind: "length", bytes: 0 };
  if (encoding !== undefined) return { kind: "chunked" };
  return length === undefined ? { kind: "until_close" } : { kind: "length", bytes: Number(length) };
}
