import { assertEquals } from "@std/assert";
import { NameTable } from "../../../src/protocols/jsonrpc/name_table.ts";
import { seededRandom } from "../../support/seeded_random.ts";

Deno.test("a name is read as JSON would, however often and whatever was read before", () => {
  const random = seededRandom(5);
  const names = new NameTable();
  const texts = [
    ...Array.from({ length: 3_000 }, (_, i) => `method_${i}`),
    "eth_chainId",
    "",
    "\u00e9\u{1f600}",
    'with "quotes" and \\',
    "long".repeat(60),
  ];
  for (let i = 0; i < 20_000; i++) {
    const text = random() < 0.3 ? texts[texts.length - 1 - Math.floor(random() * 5)]! : texts[
      Math.floor(random() * texts.length)
    ]!;
    const json = JSON.stringify(text);
    const bytes = new TextEncoder().encode(`{"method":${json},"id":1}`);
    const end = bytes.length - ',"id":1}'.length;
    assertEquals(names.read(bytes, { start: 10, end }), text);
  }
  const lone = new TextEncoder().encode('"\\ud800"');
  assertEquals(names.read(lone, { start: 0, end: lone.length }), "\ufffd");
  assertEquals(names.read(lone, { start: 0, end: lone.length }), "\ufffd");
});
