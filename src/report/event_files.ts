import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import { recordsOf } from "../usage/otlp/decode_json.ts";
import { type AttributeValue, readRow, type ReceivedRecord, type UsageRow } from "../usage/usage_row.ts";

/** A file to be read. */
export interface EventFile {
  readonly path: string;
  readonly bytes: number;
}

/** What a line of a file holds. */
export type EventLine =
  | { readonly kind: "row"; readonly row: UsageRow }
  | { readonly kind: "unreadable"; readonly path: string; readonly line: number; readonly reason: string };

/** Longest line in characters; a collector's request of 1,000 records has a tenth of that. */
const MAX_LINE_CHARS = 32 * 1024 * 1024;

/** All files below some paths, in the order of their names. Hidden ones are left out. Throws when there is no such path. */
export async function findFiles(paths: readonly string[]): Promise<EventFile[]> {
  const files: EventFile[] = [];
  const visit = async (path: string) => {
    const info = await stat(path);
    if (!info.isDirectory()) return void files.push({ path, bytes: info.size });
    for (const name of (await readdir(path)).sort()) {
      if (!name.startsWith(".")) await visit(`${path.replace(/\/+$/, "")}/${name}`);
    }
  };
  for (const path of paths) await visit(path);
  return files;
}

/**
 * The events of a file of JSON lines, compressed with gzip or not. A line is a request in OTLP's JSON, as a collector's
 * file exporter writes it; or the attributes of one event, as its S3 and Kafka exporters do when the body is the
 * attributes. Such a line tells its time as `timestamp`, `time` or `ts`, or else the folder does: `year=/month=/day=/hour=`.
 */
export async function* readEvents(file: EventFile, onBytes: (count: number) => void): AsyncGenerator<EventLine> {
  let lineNumber = 0;
  const folderUnixMs = timeOfFolder(file.path);
  for await (const line of readLines(file, onBytes)) {
    lineNumber++;
    if (line.trim() === "") continue;
    const unreadable = (reason: string): EventLine => ({
      kind: "unreadable",
      path: file.path,
      line: lineNumber,
      reason,
    });
    if (line.length > MAX_LINE_CHARS) {
      yield unreadable("is too long");
      continue;
    }
    let records: readonly ReceivedRecord[];
    try {
      records = readLine(JSON.parse(line), folderUnixMs);
    } catch {
      yield unreadable("is no JSON of usage events; it may have broken off");
      records = readEnd(line);
    }
    for (const record of records) {
      const read = readRow(record);
      yield read.kind === "row" ? read : unreadable(read.reason);
    }
  }
}

/**
 * What follows the start of a request that broke off: a collector whose disk was full goes on in the same line. Within a
 * request's texts the start of another can't stand, since its quotes would be escaped.
 */
function readEnd(line: string): readonly ReceivedRecord[] {
  const start = line.lastIndexOf('{"resourceLogs":');
  if (start <= 0) return [];
  try {
    return recordsOf(JSON.parse(line.slice(start)));
  } catch {
    return [];
  }
}

function readLine(value: unknown, folderUnixMs: number): readonly ReceivedRecord[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("no object");
  if ("resourceLogs" in value) return recordsOf(value);
  const attributes = new Map<string, AttributeValue>();
  for (const [name, content] of Object.entries(value)) {
    if (typeof content === "string" || typeof content === "number" || typeof content === "boolean") {
      attributes.set(name, content);
    }
  }
  const name = attributes.has("cu") ? "relay_usage" : attributes.has("selection_composite") ? "optimizer_qos" : "";
  const written = attributes.get("timestamp") ?? attributes.get("time") ?? attributes.get("ts") ??
    attributes.get("@timestamp");
  return [{ name, timeUnixMs: written === undefined ? folderUnixMs : readTime(written), attributes }];
}

/** A time as a text, or as seconds, milliseconds, microseconds or nanoseconds since the Unix epoch. */
function readTime(value: AttributeValue): number {
  if (typeof value === "string" && !/^\d+$/.test(value)) return Date.parse(value);
  let time = Number(value);
  // A time of these years is told by its size.
  for (const [above, factor] of [[1e17, 1e-6], [1e14, 1e-3], [1e11, 1]] as const) {
    if (time >= above) return Math.floor(time * factor);
  }
  time *= 1_000;
  return time;
}

/** The hour that a folder is for, milliseconds since the Unix epoch; NaN for a folder that is for none. */
function timeOfFolder(path: string): number {
  const match = /(?:^|\/)year=(\d{4})\/month=(\d{1,2})\/day=(\d{1,2})\/hour=(\d{1,2})\//.exec(path);
  if (match === null) return NaN;
  const [year, month, day, hour] = match.slice(1).map(Number) as [number, number, number, number];
  return Date.UTC(year, month - 1, day, hour);
}

async function* readLines({ path }: EventFile, onBytes: (count: number) => void): AsyncGenerator<string> {
  const raw = createReadStream(path);
  raw.on("data", (chunk) => onBytes(chunk.length));
  const stream = path.endsWith(".gz") ? raw.pipe(createGunzip()) : raw;
  // An error of the file itself has to reach who reads what it was unpacked to.
  if (stream !== raw) raw.on("error", (error) => stream.destroy(error));
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const text = rest + decoder.decode(chunk as Uint8Array, { stream: true });
    const lines = text.split("\n");
    rest = lines.pop()!;
    yield* lines;
    // Of a line that has no end, its start is enough to say so.
    if (rest.length > MAX_LINE_CHARS) rest = rest.slice(0, MAX_LINE_CHARS + 1);
  }
  if (rest + decoder.decode() !== "") yield rest;
}
