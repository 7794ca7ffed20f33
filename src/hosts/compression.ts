/** What a response's body may be compressed with, by the name that HTTP has for it. */
export type ContentCoding = "gzip" | "br";

/** When responses are compressed, resolved. */
export interface CompressionOptions {
  /** Those that may be used, the preferred one first; empty to compress nothing. */
  readonly codings: readonly ContentCoding[];
  /** Bodies from this length on are compressed. */
  readonly minBytes: number;
}

/** What is known of the platform. To find out takes memory that comes back late: once is enough. */
const isAvailable = new Map<ContentCoding, boolean>();

/** Those of the codings that the platform has: brotli is not everywhere. */
export function availableCodings(codings: readonly ContentCoding[]): readonly ContentCoding[] {
  return codings.filter((coding) => {
    const known = isAvailable.get(coding) ?? canCompress(coding);
    isAvailable.set(coding, known);
    return known;
  });
}

function canCompress(coding: ContentCoding): boolean {
  try {
    new CompressionStream(formatOf(coding));
    return true;
  } catch {
    return false;
  }
}

/** The coding to use for a client that sent this `Accept-Encoding`; undefined to send the body as it is. */
export function chooseCoding(accepted: string | null, codings: readonly ContentCoding[]): ContentCoding | undefined {
  if (accepted === null) return undefined;
  const weights = new Map<string, number>();
  for (const part of accepted.toLowerCase().split(",", MAX_CODINGS)) {
    const [name = "", ...parameters] = part.split(";").map((text) => text.trim());
    const weight = parameters.find((parameter) => parameter.startsWith("q="));
    weights.set(name, weight === undefined ? 1 : Number(weight.slice(2)) || 0);
  }
  let best: ContentCoding | undefined;
  let bestWeight = 0;
  for (const coding of codings) {
    const weight = weights.get(coding) ?? weights.get("*") ?? 0;
    if (weight > bestWeight) [best, bestWeight] = [coding, weight];
  }
  return best;
}

/** Most codings of a client that are looked at. */
const MAX_CODINGS = 20;

/** Compresses a whole body. */
export async function compress(body: Uint8Array<ArrayBuffer>, coding: ContentCoding): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new CompressionStream(formatOf(coding));
  const writer = stream.writable.getWriter();
  const writing = writer.write(body).then(() => writer.close());
  const [compressed] = await Promise.all([new Response(stream.readable).arrayBuffer(), writing]);
  return new Uint8Array(compressed);
}

function formatOf(coding: ContentCoding): CompressionFormat {
  return coding === "br" ? "brotli" : coding;
}
