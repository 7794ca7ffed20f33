import { assert, assertEquals, assertRejects } from "@std/assert";
import { encodeFrames } from "../../../src/usage/spool/frame.ts";
import { Segment } from "../../../src/usage/spool/segment.ts";
import {
  HEADER,
  numbered,
  packed,
  recordsOf,
  tempFolder,
  textsOf,
  unpacked,
  writeSegment,
} from "../../support/spool_files.ts";

const TEXTS = ["first", "the second one", '{"third":3}'];

/** Reads a segment to its end. */
async function readToEnd(segment: Segment, maxCount = 1_000): Promise<string[]> {
  const texts: string[] = [];
  while (!segment.isRead) texts.push(...textsOf((await segment.read(maxCount)).records));
  return texts;
}

/** Ends of the header and of each record in a file of these texts. */
function endsOf(texts: readonly string[]): number[] {
  const frames = [JSON.stringify(HEADER), ...texts].map((text) => encodeFrames(recordsOf(text)).length);
  return frames.map((_, index) => frames.slice(0, index + 1).reduce((sum, bytes) => sum + bytes));
}

Deno.test("a segment whose last record is cut at any byte: the whole ones come back, the rest is off the file, and appending goes on", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/a.seg`;
  await writeSegment(path, TEXTS);
  const bytes = await Deno.readFile(path);
  const ends = endsOf(TEXTS);
  assertEquals(ends.at(-1), bytes.length);
  for (let cut = ends[2]!; cut <= bytes.length; cut++) {
    await Deno.writeFile(path, bytes.subarray(0, cut));
    const whole = cut === bytes.length ? 3 : 2;
    const { segment, pending, tornBytes } = (await Segment.open(path))!;
    assertEquals([pending, tornBytes, segment.size], [whole, cut - ends[whole]!, ends[whole]!], `cut at ${cut}`);
    assertEquals((await Deno.stat(path)).size, ends[whole]!, `cut at ${cut}`);
    await segment.append(recordsOf("appended"));
    assertEquals(await readToEnd(segment), [...TEXTS.slice(0, whole), "appended"], `cut at ${cut}`);
    await segment.close();
    const again = (await Segment.open(path))!;
    assertEquals([again.pending, again.tornBytes], [whole + 1, 0], `cut at ${cut}`);
    await again.segment.close();
  }
});

Deno.test("any flipped bit of the last record takes that record alone, and its bytes are counted", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/a.seg`;
  await writeSegment(path, TEXTS);
  const bytes = await Deno.readFile(path);
  const start = endsOf(TEXTS)[2]!;
  for (let bit = start * 8; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    await Deno.writeFile(path, flipped);
    const { segment, pending, tornBytes } = (await Segment.open(path))!;
    assertEquals([pending, tornBytes], [2, bytes.length - start], `bit ${bit}`);
    assertEquals(await readToEnd(segment), TEXTS.slice(0, 2));
    await segment.close();
  }
});

Deno.test("a header that is cut at any byte makes no segment, and no error", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/a.seg`;
  await writeSegment(path, []);
  const bytes = await Deno.readFile(path);
  for (let cut = 0; cut < bytes.length; cut++) {
    await Deno.writeFile(path, bytes.subarray(0, cut));
    assertEquals(await Segment.open(path), undefined, `cut at ${cut}`);
  }
});

for (const header of ["", "no JSON", "null", "[]", '{"contentType":1,"resource":{}}', '{"contentType":"a/b"}']) {
  Deno.test(`a file whose header is "${header}" is no segment`, async () => {
    await using folder = await tempFolder();
    await Deno.writeFile(`${folder.path}/a.seg`, encodeFrames(recordsOf(header, "record")));
    assertEquals(await Segment.open(`${folder.path}/a.seg`), undefined);
  });
}

for (const [what, tail] of Object.entries({ zeros: new Uint8Array(4096), ones: new Uint8Array(4096).fill(255) })) {
  Deno.test(`a page of ${what} behind the last record, as a power failure leaves it, is cut off and counted`, async () => {
    await using folder = await tempFolder();
    const path = `${folder.path}/a.seg`;
    await writeSegment(path, TEXTS);
    await Deno.writeFile(path, tail, { append: true });
    const { segment, pending, tornBytes } = (await Segment.open(path))!;
    const texts = await readToEnd(segment);
    await segment.close();
    assertEquals([pending, tornBytes, texts], [3, 4096, TEXTS]);
  });
}

const ENDS = endsOf(TEXTS);
/**
 * What the file of acknowledgements may say, and what is still to be delivered then. One that can't be true must not
 * cost a record: one that is sent twice can be told by its id, one that is lost can't be had back.
 */
const ACKS: Readonly<Record<string, readonly [content: string | undefined, pending: readonly string[]]>> = {
  "none": [undefined, TEXTS],
  "empty": ["", TEXTS],
  "zero": ["0", TEXTS],
  "the end of the header": [String(ENDS[0]), TEXTS],
  "the end of the first record": [String(ENDS[1]), TEXTS.slice(1)],
  "the end of the second record": [String(ENDS[2]), TEXTS.slice(2)],
  "the end of the file": [String(ENDS[3]), []],
  "a text": ["garbage", TEXTS],
  "NULs": ["\0\0\0", TEXTS],
  "negative": ["-5", TEXTS],
  "a fraction": [`${ENDS[1]}.5`, TEXTS],
  "infinite": ["Infinity", TEXTS],
  "within the header": ["3", TEXTS],
  "within a record": [String(ENDS[1]! + 3), TEXTS],
  "just behind the file": [String(ENDS[3]! + 1), TEXTS],
  "far behind the file": ["9007199254740991", TEXTS],
};

for (const [what, [content, pending]] of Object.entries(ACKS)) {
  Deno.test(`an acknowledgement that is ${what} leaves ${pending.length} of 3 records to deliver`, async () => {
    await using folder = await tempFolder();
    const path = `${folder.path}/a.seg`;
    await writeSegment(path, TEXTS);
    if (content !== undefined) await Deno.writeTextFile(`${path}.ack`, content);
    const opened = (await Segment.open(path))!;
    const texts = await readToEnd(opened.segment);
    await opened.segment.close();
    assertEquals([texts, opened.pending, opened.tornBytes], [[...pending], pending.length, 0]);
    assertEquals(opened.segment.isDelivered, pending.length === 0);
  });
}

/** Orders in which three reads are acknowledged, and how many of them count after each step. */
const ORDERS: readonly (readonly [order: readonly number[], inARow: readonly number[]])[] = [
  [[0, 1, 2], [1, 2, 3]],
  [[2, 1, 0], [0, 0, 3]],
  [[1, 0, 2], [0, 2, 3]],
  [[2, 0, 1], [0, 1, 3]],
];

for (const [order, inARow] of ORDERS) {
  Deno.test(`reads acknowledged in the order ${order} count as far as they are in a row`, async () => {
    await using folder = await tempFolder();
    const path = `${folder.path}/a.seg`;
    await writeSegment(path, TEXTS);
    const { segment } = (await Segment.open(path))!;
    const reads = [await segment.read(1), await segment.read(1), await segment.read(1)];
    for (const [step, index] of order.entries()) {
      segment.acknowledge(reads[index]!.start, reads[index]!.end);
      await segment.saveAck();
      const later = (await Segment.open(path))!;
      assertEquals(later.pending, 3 - inARow[step]!, `step ${step}`);
      await later.segment.close();
    }
    assert(segment.isDelivered);
    await segment.remove();
    assertEquals([...Deno.readDirSync(folder.path)], []);
  });
}

Deno.test("reading goes on beside appending: every record once, in order", async () => {
  await using folder = await tempFolder();
  const segment = await Segment.create(`${folder.path}/a.seg`, HEADER);
  const written = numbered(2_000, 200);
  let isWritten = false;
  const writing = (async () => {
    for (let at = 0; at < written.length; at += 50) await segment.append(recordsOf(...written.slice(at, at + 50)));
    isWritten = true;
  })();
  const read: string[] = [];
  while (!isWritten || !segment.isRead) {
    if (segment.isRead) await new Promise((resolve) => setTimeout(resolve));
    else read.push(...textsOf((await segment.read(33)).records));
  }
  await writing;
  await segment.close();
  assertEquals(read, written);
});

Deno.test("records larger than what is read at a stretch come back whole, between small ones", async () => {
  await using folder = await tempFolder();
  const sizes = [10, 1024 * 1024 - 8, 20, 1024 * 1024, 1_500_000, 30, 5_000_000, 40];
  const records = sizes.map((size, index) => new Uint8Array(size).fill(index));
  const segment = await Segment.create(`${folder.path}/a.seg`, HEADER);
  await segment.append(packed(records));
  const read: Uint8Array[] = [];
  while (!segment.isRead) read.push(...unpacked((await segment.read(1_000)).records));
  await segment.close();
  assertEquals(read.map(({ length }) => length), sizes);
  assert(read.every((record, index) => record.every((byte) => byte === index)));
});

Deno.test("a read gives no more than it is asked for, and none at the end", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/a.seg`;
  await writeSegment(path, TEXTS);
  const { segment } = (await Segment.open(path))!;
  assertEquals(textsOf((await segment.read(2)).records), TEXTS.slice(0, 2));
  assertEquals(textsOf((await segment.read(2)).records), TEXTS.slice(2));
  assertEquals(textsOf((await segment.read(2)).records), []);
  await segment.close();
});

Deno.test("an append that fails leaves nothing of its records behind", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/a.seg`;
  const segment = await Segment.create(path, HEADER);
  await segment.append(recordsOf("kept"));
  await segment.close();
  await assertRejects(() => segment.append(recordsOf("lost")));
  const { segment: later, pending, tornBytes } = (await Segment.open(path))!;
  assertEquals([pending, tornBytes, await readToEnd(later)], [1, 0, ["kept"]]);
  await later.close();
});

Deno.test("a new segment never takes the place of a file that is there", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/a.seg`;
  await writeSegment(path, TEXTS);
  await assertRejects(() => Segment.create(path, HEADER));
  const { segment, pending } = (await Segment.open(path))!;
  assertEquals(pending, 3);
  await segment.close();
});
