import { assert, assertEquals, assertRejects } from "@std/assert";
import { createOtelUsageSink } from "../../../mod.ts";
import { silentLog } from "../../../src/domain/log.ts";
import {
  deadPid,
  filesIn,
  HEADER,
  HOST,
  leaveFolder,
  numbered,
  openSpool,
  readAll,
  recordsOf,
  segmentBytesIn,
  tempFolder,
  textsOf,
} from "../../support/spool_files.ts";
import { mountTmpfs } from "../../support/spool_mount.ts";
import { relayEvent } from "../../support/usage.ts";

const MIB = 1024 * 1024;
const OWNER = { hostname: HOST, pid: await deadPid() };

Deno.test("what is delivered leaves the disk, and a spool with nothing left leaves nothing behind", async () => {
  await using directory = await tempFolder();
  const spool = await openSpool(directory.path, "a");
  assertEquals(await spool.read(10), undefined);
  assert(await spool.append(recordsOf("1", "2")));
  assert(await spool.append(recordsOf("3")));
  assertEquals(await readAll(spool), ["1", "2", "3"]);
  await spool.tidy();
  assert(await spool.append(recordsOf("4")), "it goes on after that");
  assertEquals(await readAll(spool), ["4"]);
  await spool.close();
  assertEquals([...Deno.readDirSync(directory.path)], []);
});

Deno.test("what is not delivered is the next one's: counted, in order, and without what was acknowledged", async () => {
  await using directory = await tempFolder();
  const first = await openSpool(directory.path, "first");
  await first.append(recordsOf(...numbered(10)));
  (await first.read(4))!.acknowledge();
  await first.read(3);
  await first.close();
  const second = await openSpool(directory.path, "second");
  assertEquals(second.findings, { adoptedRecords: 6, tornBytes: 0 });
  await second.append(recordsOf("new"));
  assertEquals(await readAll(second), [...numbered(6, 8, 4), "new"]);
  await second.close();
  assertEquals([...Deno.readDirSync(directory.path)], []);
});

Deno.test("orphans of several processes are sent oldest first, each as its own process's, and the torn end is said", async () => {
  await using directory = await tempFolder();
  const segments = (ms: number, text: string) => ({ [`00000000000000${ms}-000000.seg`]: [text] });
  await leaveFolder(`${directory.path}/z`, { owner: OWNER, segments: segments(1, "oldest") });
  await leaveFolder(`${directory.path}/b`, { owner: OWNER, segments: segments(3, "newest") });
  await leaveFolder(`${directory.path}/b/c`, { owner: OWNER, segments: segments(2, "middle") });
  await Deno.writeTextFile(`${directory.path}/b/000000000000003-000000.seg`, "torn", { append: true });
  const said: unknown[] = [];
  const log = { ...silentLog, info: (_message: string, fields?: unknown) => void said.push(fields) };
  const header = { contentType: "application/x-protobuf", resource: { "service.name": "mine" } };
  const spool = await openSpool(directory.path, "mine", { log, header });
  assertEquals(spool.findings, { adoptedRecords: 3, tornBytes: 4 });
  assertEquals(said, [{ records: 3, torn_bytes: 4 }]);
  await spool.append(recordsOf("own"));
  const batches = [await spool.read(9), await spool.read(9), await spool.read(9), await spool.read(9)];
  const got = batches.map((batch) => [textsOf(batch!.records)[0], batch!.contentType, batch!.resource]);
  assertEquals(got, [
    ...["oldest", "middle", "newest"].map((text) => [text, HEADER.contentType, HEADER.resource]),
    ["own", header.contentType, header.resource],
  ]);
  for (const batch of batches) batch!.acknowledge();
  await spool.close();
  assertEquals([...Deno.readDirSync(directory.path)], []);
});

Deno.test("a segment that has died before its header was whole does not stay on disk for ever", async () => {
  await using directory = await tempFolder();
  await leaveFolder(`${directory.path}/left`, { owner: OWNER });
  await Deno.writeTextFile(`${directory.path}/left/000000000000001-000000.seg`, "");
  const spool = await openSpool(directory.path, "mine");
  await spool.close();
  assertEquals(await filesIn(directory.path), []);
});

Deno.test("one segment that can't be opened does not keep the others from being sent, nor the spool from opening", async () => {
  await using directory = await tempFolder();
  await leaveFolder(`${directory.path}/left`, { owner: OWNER, segments: { "000000000000002-000000.seg": ["good"] } });
  await Deno.mkdir(`${directory.path}/left/000000000000001-000000.seg`);
  await using spool = disposable(await openSpool(directory.path, "mine"));
  assertEquals(await readAll(spool.it), ["good"]);
});

Deno.test("a segment that is damaged while it is read costs one error, and what stands behind it still comes", async () => {
  await using directory = await tempFolder();
  await leaveFolder(`${directory.path}/left`, {
    owner: OWNER,
    segments: { "000000000000001-000000.seg": ["damaged"], "000000000000002-000000.seg": ["good"] },
  });
  const spool = await openSpool(directory.path, "mine");
  const [path] = (await filesIn(directory.path, "1-000000.seg")).map((name) => `${directory.path}/${name}`);
  const bytes = await Deno.readFile(path!);
  bytes[bytes.length - 1]! ^= 1;
  await Deno.writeFile(path!, bytes);
  await assertRejects(() => spool.read(10));
  assertEquals(await readAll(spool), ["good"]);
  await spool.close();
});

/** Sizes of records, and how many come at once; of the smallest, the frames around them are a good part of the bytes. */
for (const [length, count] of [[20, 1_500], [1_000, 20], [100_000, 1]] as const) {
  Deno.test(`never more than the allowed bytes on disk, and room again after delivery: records of ${length} bytes`, async () => {
    await using directory = await tempFolder();
    const spool = await openSpool(directory.path, "a", { maxBytes: MIB });
    for (let round = 0; round < 3; round++) {
      let appended = 0;
      for (let fitted: number = count; fitted > 0; appended += fitted) {
        fitted = await spool.append(recordsOf(...numbered(count, length)));
      }
      assert(appended > 0, `no room at all in round ${round}`);
      const bytes = await segmentBytesIn(directory.path);
      assert(bytes <= MIB, `${bytes} bytes on disk, ${MIB} allowed`);
      assert(bytes > MIB / 2, `full with ${bytes} bytes of ${MIB}`);
      assertEquals((await readAll(spool)).length, appended);
      await spool.tidy();
    }
    await spool.close();
  });
}

Deno.test("a full spool takes records again at once when the segment that is written to has been delivered", async () => {
  await using directory = await tempFolder();
  const spool = await openSpool(directory.path, "a", { maxBytes: MIB });
  assert(await spool.append(recordsOf("x".repeat(900_000))));
  await readAll(spool);
  assert(await spool.append(recordsOf("y".repeat(900_000))));
  assert(await segmentBytesIn(directory.path) <= MIB);
  assert(!await spool.append(recordsOf("z".repeat(900_000))), "this one is not delivered");
  await spool.close();
});

Deno.test("what was taken over counts towards the allowed bytes, and delivering it makes room", async () => {
  await using directory = await tempFolder();
  await leaveFolder(`${directory.path}/left`, {
    owner: OWNER,
    segments: { "000000000000001-000000.seg": ["x".repeat(900_000)] },
  });
  const spool = await openSpool(directory.path, "mine", { maxBytes: MIB });
  assert(!await spool.append(recordsOf("y".repeat(900_000))));
  assert(await spool.append(recordsOf("small")));
  (await spool.read(1))!.acknowledge();
  await spool.tidy();
  assert(await spool.append(recordsOf("y".repeat(900_000))));
  await spool.close();
});

Deno.test("30 MiB go through in pieces that leave the disk one by one, beside reading and tidying", async () => {
  await using directory = await tempFolder();
  const spool = await openSpool(directory.path, "a");
  const written: string[] = [];
  const read: string[] = [];
  let largest = 0;
  for (let round = 0; round < 30; round++) {
    const texts = numbered(512, 2_048, round * 512);
    written.push(...texts);
    const [isAppended, batch] = await Promise.all([spool.append(recordsOf(...texts)), spool.read(1_000), spool.tidy()]);
    assert(isAppended);
    if (batch !== undefined) read.push(...textsOf(batch.records));
    batch?.acknowledge();
    read.push(...await readAll(spool));
    largest = Math.max(largest, await segmentBytesIn(directory.path));
  }
  assert(read.every((text, index) => text === written[index]) && read.length === written.length);
  assert(largest < 20 * MIB, `${largest} bytes on disk at a time`);
  await spool.close();
  assertEquals([...Deno.readDirSync(directory.path)], []);
});

Deno.test("a directory that can't be written to is an error", async () => {
  await using directory = await tempFolder();
  await Deno.writeTextFile(`${directory.path}/file`, "");
  await assertRejects(() => openSpool(`${directory.path}/file`, "a"));
  await using mounted = await mountTmpfs("size=64k,ro");
  if (mounted !== undefined) await assertRejects(() => openSpool(mounted.path, "a"));
});

Deno.test("a full disk is no room, again and again, without a file more; with space again it goes on", async () => {
  await using mounted = await mountTmpfs("size=1m");
  if (mounted === undefined) return;
  const spool = await openSpool(mounted.path, "a");
  assert(await spool.append(recordsOf("kept")));
  await mounted.fill(200_000);
  for (let i = 0; i < 50; i++) assert(!await spool.append(recordsOf("x".repeat(300_000))));
  const segments = (await filesIn(mounted.path, ".seg")).length;
  assert(segments <= 2, `${segments} segments, each of them an open file, after 50 appends that found no room`);
  await mounted.empty();
  assert(await spool.append(recordsOf("later")));
  assertEquals(await readAll(spool), ["kept", "later"]);
  await spool.close();
  assertEquals(await filesIn(mounted.path), []);
});

Deno.test("a disk that is full at the start is no reason not to start: what is on it is sent, which makes room", async () => {
  await using mounted = await mountTmpfs("size=256k");
  if (mounted === undefined) return;
  await leaveFolder(`${mounted.path}/left`, { owner: OWNER, segments: { "000000000000001-000000.seg": ["old"] } });
  await mounted.fill();
  await using spool = disposable(await openSpool(mounted.path, "mine"));
  assertEquals(await readAll(spool.it), ["old"]);
});

Deno.test("a disk without room for so much as a folder is no reason not to start, and is used once it has room", async () => {
  // As on a full disk, where a folder takes a block: here no file can be added to the ballast.
  await using mounted = await mountTmpfs("size=256k,nr_inodes=2");
  if (mounted === undefined) return;
  await mounted.fill();
  await using spool = disposable(await openSpool(mounted.path, "mine"));
  assert(!await spool.it.append(recordsOf("no room")));
  await mounted.empty();
  await new Deno.Command("mount", { args: ["-o", "remount,nr_inodes=20", mounted.path] }).output();
  await spool.it.beat();
  assert(await spool.it.append(recordsOf("room")));
});

Deno.test("a spool with room for most of a batch takes what fits: the flags allow less room than one batch needs", async () => {
  await using directory = await tempFolder();
  const usage = await createOtelUsageSink({
    url: "http://127.0.0.1:1/v1/logs",
    exportTimeoutMs: 100,
    retryBudgetMs: 100,
    extended: true,
    spool: { directory: directory.path, maxBytes: MIB },
  });
  for (let i = 0; i < 1_000; i++) usage.emit(relayEvent({ origin: "https://a-customer-with-a-long-name.example" }));
  const { spooled } = (await usage.close()).relay_usage;
  assert(spooled >= 500, `${spooled} of 1000 on disk`);
});

Deno.test("a sink that can't have a spool, since its exporter is another's, leaves nothing on disk", async () => {
  await using directory = await tempFolder();
  const exporter = { export() {}, forceFlush: () => Promise.resolve(), shutdown: () => Promise.resolve() };
  await assertRejects(() => createOtelUsageSink({ exporter, spool: { directory: directory.path } }));
  assertEquals([...Deno.readDirSync(directory.path)], []);
});

function disposable<Spool extends { close(): Promise<void> }>(it: Spool): { readonly it: Spool } & AsyncDisposable {
  return { it, [Symbol.asyncDispose]: () => it.close() };
}
