import { assertEquals, assertRejects } from "@std/assert";
import { findFiles, readEvents } from "../../src/report/event_files.ts";
import { NumberSet } from "../../src/report/number_set.ts";
import { jsonEncoding } from "../../src/usage/otlp/encode_json.ts";
import { ByteBuffer } from "../../src/usage/otlp/byte_buffer.ts";
import { UsageLogRecord, UsageResource } from "../../src/usage/log_record.ts";
import { storeFolder } from "../support/store.ts";
import { qosEvent, relayEvent } from "../support/usage.ts";

const RESOURCE = new UsageResource({});
const FLAT = new UsageLogRecord(relayEvent(), "a/b/1", RESOURCE, 0).attributes;

function requestLine(): string {
  const buffer = new ByteBuffer(1024);
  for (const event of [relayEvent(), qosEvent()]) {
    jsonEncoding.appendRecord(
      buffer,
      new UsageLogRecord(event, event.kind === "relay_usage" ? "a/b/2" : "", RESOURCE, 0),
    );
  }
  return new TextDecoder().decode(jsonEncoding.encodeRequest(RESOURCE, buffer.view()));
}

/** Kinds and times of the events in a file, and the numbers of the lines that can't be read. */
async function read(path: string, content: string | Uint8Array<ArrayBuffer>): Promise<[string, number][]> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  await (typeof content === "string" ? Deno.writeTextFile(path, content) : Deno.writeFile(path, content));
  const [file] = await findFiles([path]);
  const seen: [string, number][] = [];
  let bytes = 0;
  for await (const line of readEvents(file!, (count) => bytes += count)) {
    seen.push(line.kind === "row" ? [line.row.kind, line.row.timeUnixMs] : ["unreadable", line.line]);
  }
  assertEquals(bytes, file!.bytes);
  return seen;
}

Deno.test("what a collector's exporters write is read: requests, flat attributes, with times in all places", async () => {
  await using folder = await storeFolder();
  const ms = 1_767_225_600_123;
  const withTime = (time: unknown) => JSON.stringify({ ...FLAT, timestamp: time });
  const lines = [
    requestLine(),
    withTime("2026-01-01T00:00:00.123Z"),
    withTime(ms),
    withTime(`${ms}000000`),
    withTime(ms * 1000),
    withTime(1_767_225_600),
    JSON.stringify({ ...FLAT, ts: "2026-01-01T00:00:00.123Z" }),
    "",
    JSON.stringify(FLAT),
  ];
  assertEquals(await read(`${folder.path}/events.json`, lines.join("\n")), [
    ["relay_usage", ms],
    ["optimizer_qos", 1_767_225_600_000],
    ["relay_usage", ms],
    ["relay_usage", ms],
    ["relay_usage", ms],
    ["relay_usage", ms],
    ["relay_usage", 1_767_225_600_000],
    ["relay_usage", ms],
    ["unreadable", 9],
  ]);
  const partition = `${folder.path}/year=2026/month=01/day=02/hour=03/usage_1.txt`;
  assertEquals(await read(partition, `${JSON.stringify(FLAT)}\n`), [["relay_usage", Date.UTC(2026, 0, 2, 3)]]);
});

Deno.test("a request that stands behind one that broke off is read, and the line is told", async () => {
  await using folder = await storeFolder();
  const lines = [requestLine().slice(0, 300) + requestLine(), requestLine().slice(0, -1), requestLine()];
  assertEquals((await read(`${folder.path}/events.json`, lines.join("\n"))).map(([kind]) => kind), [
    ...["unreadable", "relay_usage", "optimizer_qos"],
    "unreadable",
    ...["relay_usage", "optimizer_qos"],
  ]);
});

Deno.test("compressed files are read, and lines that are no events are told by their number", async () => {
  await using folder = await storeFolder();
  const lines = `{"torn\n${JSON.stringify({ ...FLAT, timestamp: 5, cu: "x" })}\n[]\nnull\n{}\n${requestLine()}`;
  const zipped = new Response(lines).body!.pipeThrough(new CompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(zipped).arrayBuffer());
  assertEquals(await read(`${folder.path}/events.json.gz`, bytes), [
    ...[1, 2, 3, 4, 5].map((line): [string, number] => ["unreadable", line]),
    ["relay_usage", 1_767_225_600_123],
    ["optimizer_qos", 1_767_225_600_000],
  ]);
  await assertRejects(() => read(`${folder.path}/torn.json.gz`, bytes.slice(0, 100)));
});

Deno.test("folders are read in order, hidden files are not, and a path that is not there is a mistake", async () => {
  await using folder = await storeFolder();
  for (const name of ["b/2.json", "b/1.json", "a/3.json", "b/.hidden"]) await read(`${folder.path}/${name}`, "");
  const files = await findFiles([`${folder.path}/`]);
  assertEquals(files.map(({ path }) => path.slice(folder.path.length)), ["/a/3.json", "/b/1.json", "/b/2.json"]);
  await assertRejects(() => findFiles([`${folder.path}/c`]));
});

Deno.test("a set of numbers knows what it has, and its ranges", () => {
  const set = new NumberSet();
  for (const number of [5, 1, 2, 65_535, 65_536, 9_007_199_254_740_000]) assertEquals(set.add(number), true);
  assertEquals([set.add(5), set.add(65_536), set.size, set.largest], [false, false, 6, 9_007_199_254_740_000]);
  assertEquals(set.ranges().map(({ first, last }) => [first, last]), [
    [1, 2],
    [5, 5],
    [65_535, 65_536],
    [9_007_199_254_740_000, 9_007_199_254_740_000],
  ]);
});
