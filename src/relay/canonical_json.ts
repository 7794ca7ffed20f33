/** JSON nested deeper than this is compared by its bytes. */
const MAX_DEPTH = 512;

/**
 * A JSON text in the one way to write it: members by name, no space, strings unescaped where they can be. Numbers stay
 * as they were written, since reading them could make two different ones equal. Undefined for what is no JSON.
 */
export function canonicalJson(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return write(JSON.parse(text, keepNumbers), 0);
  } catch {
    return undefined;
  }
}

/** A number as it was written. */
class Literal {
  constructor(readonly source: string) {}
}

/** Replaces numbers by their source, which the engine passes along. */
function keepNumbers(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === "number" && context?.source !== undefined ? new Literal(context.source) : value;
}

function write(value: unknown, depth: number): string {
  if (depth > MAX_DEPTH) throw new RangeError("nested too deeply");
  if (value instanceof Literal) return value.source;
  if (Array.isArray(value)) return `[${value.map((item) => write(item, depth + 1)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1);
  return `{${members.map(([name, item]) => `${JSON.stringify(name)}:${write(item, depth + 1)}`).join(",")}}`;
}
