import { assert, assertEquals } from "@std/assert";
import { canonicalJson } from "../../src/relay/canonical_json.ts";

const canonical = (text: string) => canonicalJson(new TextEncoder().encode(text));

const SAME: readonly (readonly [string, string])[] = [
  ['{"a":1,"b":[1,2]}', ' { "b" : [ 1 , 2 ] , "a" : 1 } '],
  ['"\\u0041\\/"', '"A/"'],
  ['{"x":{"d":null,"c":true}}', '{"x":{"c":true,"d":null}}'],
  ['{"__proto__":1,"a":2}', '{"a":2,"__proto__":1}'],
];

const DIFFERENT: readonly (readonly [string, string])[] = [
  ["[1,2]", "[2,1]"],
  ["9007199254740993", "9007199254740992"],
  ["1", '"1"'],
  ['{"a":null}', "{}"],
  ["0.1000000000000000055", "0.1"],
  ['{"__proto__":1}', '{"__proto__":2}'],
];

Deno.test("the same JSON is the same however it is written", () => {
  for (const [a, b] of SAME) {
    assertEquals(canonical(a), canonical(b));
    assert(canonical(a) !== undefined);
  }
});

Deno.test("different JSON is different, numbers that a double can't tell apart too", () => {
  for (const [a, b] of DIFFERENT) assert(canonical(a) !== canonical(b), `${a} ${b}`);
});

Deno.test("what is no JSON, or nests too deeply, has no such form", () => {
  assertEquals([canonical("{"), canonical(""), canonicalJson(Uint8Array.of(0xff))], [undefined, undefined, undefined]);
  assertEquals(canonical("[".repeat(5_000) + "]".repeat(5_000)), undefined);
});
