/** What the tests of the spool put on disk, and look for there. */
import { silentLog } from "../../src/domain/log.ts";
import { Segment, type SegmentHeader } from "../../src/usage/spool/segment.ts";
import { Spool, type SpoolOptions } from "../../src/usage/spool/spool.ts";
import type { EncodedRecords } from "../../src/usage/spool_port.ts";

export const HEADER: SegmentHeader = { contentType: "application/json", resource: { "service.name": "test" } };
/** The host that the tests say they run on. */
export const HOST = "this-host";

/** A folder that is gone after the test. */
export async function tempFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir({ prefix: "spool-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** Bytes as records, one behind the other. */
export function packed(records: readonly Uint8Array[]): EncodedRecords {
  let end = 0;
  const ends = records.map(({ length }) => end += length);
  const bytes = new Uint8Array(end);
  records.forEach((record, index) => bytes.set(record, ends[index]! - record.length));
  return { bytes, ends };
}

/** The bytes of each record. */
export function unpacked({ bytes, ends }: EncodedRecords): Uint8Array[] {
  return ends.map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1]!, end));
}

/** Texts as records. */
export function recordsOf(...texts: readonly string[]): EncodedRecords {
  return packed(texts.map((text) => new TextEncoder().encode(text)));
}

/** Records as texts. */
export function textsOf(records: EncodedRecords): string[] {
  return unpacked(records).map((record) => new TextDecoder().decode(record));
}

/** `count` different texts of about `length` characters. */
export function numbered(count: number, length = 8, first = 0): string[] {
  return Array.from({ length: count }, (_, index) => `record-${first + index}`.padEnd(length, "."));
}

/** Writes a segment as a process leaves it. */
export async function writeSegment(path: string, texts: readonly string[], header = HEADER): Promise<void> {
  const segment = await Segment.create(path, header);
  if (texts.length > 0) await segment.append(recordsOf(...texts));
  await segment.close();
}

/** What may be found in a folder of the spool's directory. */
export interface Leftover {
  /** Content of its owner file; none for a folder without one. */
  readonly owner?: unknown;
  /** How long ago its owner was last heard of, milliseconds. */
  readonly silenceMs?: number;
  /** Texts of its segments by their file names. */
  readonly segments?: Readonly<Record<string, readonly string[]>>;
}

/** Leaves a folder behind as another process would. */
export async function leaveFolder(path: string, { owner, silenceMs = 0, segments = {} }: Leftover): Promise<void> {
  await Deno.mkdir(path, { recursive: true });
  for (const [name, texts] of Object.entries(segments)) await writeSegment(`${path}/${name}`, texts);
  const heard = new Date(Date.now() - silenceMs);
  if (owner !== undefined) {
    const file = `${path}/owner.json`;
    await Deno.writeTextFile(file, typeof owner === "string" ? owner : JSON.stringify(owner));
    await Deno.utime(file, heard, heard);
  }
  await Deno.utime(path, heard, heard);
}

/** Opens a spool as process `folderName` of this host. */
export async function openSpool(
  directory: string,
  folderName: string,
  options: Partial<SpoolOptions> = {},
): Promise<Spool> {
  return await Spool.open({
    directory,
    folderName,
    maxBytes: 1024 ** 3,
    hostname: HOST,
    header: HEADER,
    log: silentLog,
    ...options,
  });
}

/** Reads all that is left to read; what is read counts as delivered unless told otherwise. */
export async function readAll(spool: Spool, isDelivered = true, maxCount = 1_000): Promise<string[]> {
  const texts: string[] = [];
  for (let batch = await spool.read(maxCount); batch !== undefined; batch = await spool.read(maxCount)) {
    texts.push(...textsOf(batch.records));
    if (isDelivered) batch.acknowledge();
  }
  return texts;
}

/** Paths of the files below a folder, relative to it and in order. */
export async function filesIn(folder: string, ending = ""): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) paths.push(...(await filesIn(`${folder}/${name}`, ending)).map((path) => `${name}/${path}`));
    else if (name.endsWith(ending)) paths.push(name);
  }
  return paths.sort();
}

/** Bytes of the segments below a folder. */
export async function segmentBytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for (const path of await filesIn(folder, ".seg")) bytes += (await Deno.stat(`${folder}/${path}`)).size;
  return bytes;
}

/** A process id that no process has any more. */
export async function deadPid(): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), { args: ["--version"], stdin: "null", stdout: "null" }).spawn();
  await child.status;
  return child.pid;
}
