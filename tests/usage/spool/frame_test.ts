import { assert, assertEquals } from "@std/assert";
import { decodeFrames, encodeFrames, FRAME_HEADER_BYTES } from "../../../src/usage/spool/frame.ts";
import { packed, recordsOf, textsOf, unpacked } from "../../support/spool_files.ts";

const TEXTS = ["first", "the second one", '{"third":3}'];
const RECORDS = recordsOf(...TEXTS);
/** Where frames start and end. */
const ENDS = [0, ...RECORDS.ends.map((end, index) => end + (index + 1) * FRAME_HEADER_BYTES)];

/** Sets of records that have to come back as they are. */
const SETS: Readonly<Record<string, readonly Uint8Array[]>> = {
  "no record": [],
  "one record": unpacked(recordsOf("only")),
  "a record of one byte": [new Uint8Array([0])],
  "records of zeros": [new Uint8Array(8), new Uint8Array(16)],
  "a record that looks like frames": [encodeFrames(RECORDS)],
  "text beyond ASCII": unpacked(recordsOf("Grüße, 世界 👋", "\u0000")),
  "a record of 100,000 bytes between small ones": [
    new Uint8Array(1),
    new Uint8Array(100_000).fill(7),
    new Uint8Array(2),
  ],
};

for (const [what, records] of Object.entries(SETS)) {
  Deno.test(`${what}: comes back as it was, and takes all the bytes`, () => {
    const bytes = encodeFrames(packed(records));
    const decoded = decodeFrames(bytes);
    assertEquals(unpacked(decoded.records).map((record) => [...record]), records.map((record) => [...record]));
    assertEquals(decoded.end, bytes.length);
  });
}

Deno.test("bytes that are cut anywhere give the whole records before the cut, and no part of one", () => {
  const bytes = encodeFrames(RECORDS);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const whole = ENDS.filter((end) => end <= cut).length - 1;
    const { records, end } = decodeFrames(bytes.subarray(0, cut));
    assertEquals([textsOf(records), end], [TEXTS.slice(0, whole), ENDS[whole]!], `cut at ${cut}`);
  }
});

Deno.test("any single flipped bit is noticed: nothing from its record on comes back", () => {
  const bytes = encodeFrames(RECORDS);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    const before = ENDS.filter((end) => end <= bit >> 3).length - 1;
    const { records, end } = decodeFrames(flipped);
    assertEquals([textsOf(records), end], [TEXTS.slice(0, before), ENDS[before]!], `bit ${bit}`);
  }
});

for (const length of [1, 5, 1_000, 16 * 1024 * 1024 + 1, 0x7fffffff, 0x80000000, 0xffffffff]) {
  Deno.test(`a frame that claims ${length} bytes and has none is no record`, () => {
    const tail = new Uint8Array(FRAME_HEADER_BYTES);
    new DataView(tail.buffer).setUint32(0, length, true);
    const head = encodeFrames(RECORDS);
    const { records, end } = decodeFrames(new Uint8Array([...head, ...tail]));
    assertEquals([textsOf(records), end], [TEXTS, head.length]);
  });
}

for (const zeros of [7, 8, 9, 16, 4096]) {
  Deno.test(`${zeros} zero bytes, as a lost write leaves them at the end of a file, are no records`, () => {
    const head = encodeFrames(RECORDS);
    const { records, end } = decodeFrames(new Uint8Array([...head, ...new Uint8Array(zeros)]));
    assertEquals([textsOf(records), end], [TEXTS, head.length]);
  });
}

Deno.test("no more records than asked for, and the place to go on at", () => {
  const bytes = encodeFrames(RECORDS);
  const first = decodeFrames(bytes, 2);
  assertEquals([textsOf(first.records), first.end], [TEXTS.slice(0, 2), ENDS[2]!]);
  assertEquals(textsOf(decodeFrames(bytes.subarray(first.end)).records), TEXTS.slice(2));
  assertEquals(textsOf(decodeFrames(bytes, 0).records), []);
});

Deno.test("random bytes never throw, and never give a record", () => {
  let seed = 42;
  const random = () => (seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff) >> 8;
  for (let round = 0; round < 2_000; round++) {
    const bytes = Uint8Array.from({ length: random() % 64 }, () => random() & 255);
    // Short lengths, so that it is the checksum that has to tell.
    for (let i = 1; i < Math.min(4, bytes.length); i++) bytes[i] = 0;
    if (bytes[0] === 0) bytes[0] = 1;
    assert(decodeFrames(bytes).records.ends.length === 0, `round ${round}`);
  }
});
