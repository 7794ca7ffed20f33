import type { HeaderFields } from "../../domain/wire.ts";

/** Set anew on each hop. */
const OWN: ReadonlySet<string> = new Set([
  "content-length",
  "content-type",
  "grpc-timeout",
  "host",
  "te",
  "x-forwarded-for",
]);

/** The caller's metadata for the node: without what belongs to the hop, and without what steers the relay. */
export function forwardedMetadata(fields: HeaderFields): HeaderFields {
  return fields.filter(([name]) =>
    !name.startsWith(":") && !name.startsWith("lava-") && name !== "project-id" && !OWN.has(name)
  );
}

/** The value of a metadata name; several are joined by a comma. Null for none. */
export function metadataValue(fields: HeaderFields, name: string): string | null {
  let value: string | null = null;
  for (const [other, one] of fields) if (other === name) value = value === null ? one : `${value}, ${one}`;
  return value;
}
