import type { Fields } from "./port.ts";

/** What kind of header list it is. */
export type HeaderKind = "request" | "response" | "trailers";

const PSEUDO: Readonly<Record<HeaderKind, readonly string[]>> = {
  request: [":method", ":scheme", ":path", ":authority"],
  response: [":status"],
  trailers: [],
};

/** They belong to HTTP/1, and mean nothing here. */
const FORBIDDEN: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/** Why a header list breaks the rules of HTTP/2; undefined when it does not. */
export function brokenRule(fields: Fields, kind: HeaderKind): string | undefined {
  const seen = new Set<string>();
  let isPastPseudo = false;
  for (const [name, value] of fields) {
    if (name.startsWith(":")) {
      if (isPastPseudo) return "a pseudo-header stands behind other fields";
      if (!PSEUDO[kind].includes(name)) return "a pseudo-header does not belong there";
      if (seen.has(name)) return "a pseudo-header stands twice";
      seen.add(name);
    } else {
      isPastPseudo = true;
      if (!isName(name)) return "a field's name is not allowed";
      if (FORBIDDEN.has(name)) return "a field belongs to HTTP/1";
      if (name === "te" && value !== "trailers") return "te has a value other than trailers";
    }
    if (!isValue(value)) return "a field's value is not allowed";
  }
  return missing(seen, fields, kind);
}

function missing(seen: ReadonlySet<string>, fields: Fields, kind: HeaderKind): string | undefined {
  if (kind === "response") return seen.has(":status") ? undefined : "the status is missing";
  if (kind === "trailers") return undefined;
  const isConnect = fields.some(([name, value]) => name === ":method" && value === "CONNECT");
  const needed = isConnect ? [":method", ":authority"] : [":method", ":scheme", ":path"];
  if (!needed.every((name) => seen.has(name))) return "a pseudo-header is missing";
  return fields.some(([name, value]) => name === ":path" && value === "") ? "the path is empty" : undefined;
}

/** Characters of names: those of a token, but no upper case. */
const IS_NAME_CHAR = new Uint8Array(128);
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") IS_NAME_CHAR[char.charCodeAt(0)] = 1;

function isName(name: string): boolean {
  for (let i = 0; i < name.length; i++) if (IS_NAME_CHAR[name.charCodeAt(i)] !== 1) return false;
  return name.length > 0;
}

/** No NUL, CR or LF, which let one field pass for two behind a gateway to HTTP/1. */
function isValue(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const char = value.charCodeAt(i);
    if (char === 0 || char === 10 || char === 13) return false;
  }
  return true;
}

/** The declared length of the body, undefined without one, NaN for none that can be read. */
export function contentLength(fields: Fields): number | undefined {
  const field = fields.find(([name]) => name === "content-length");
  if (field === undefined) return undefined;
  return /^\d{1,15}$/.test(field[1]) ? Number(field[1]) : NaN;
}
