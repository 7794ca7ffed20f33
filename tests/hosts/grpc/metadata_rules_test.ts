import { assertEquals } from "@std/assert";
import type { HeaderRule } from "../../../src/domain/chain_spec.ts";
import { applyRules, requestedBlock } from "../../../src/hosts/grpc/metadata_rules.ts";

const FIELDS = [["x-a", "1"], ["x-b", "2"], ["authorization", "Bearer secret"], ["cookie", "c"]] as const;

const CASES: readonly (readonly [readonly HeaderRule[], string])[] = [
  [[], "x-a=1 x-b=2"],
  [[{ name: "X-A", kind: "pass_ignore" }], "x-b=2"],
  [[{ name: "x-a", kind: "pass_override", value: "9" }], "x-b=2 x-a=9"],
  [[{ name: "x-a", kind: "pass_reply" }], "x-a=1 x-b=2"],
  [[{ name: "Authorization", kind: "pass_send" }], "x-a=1 x-b=2 authorization=Bearer secret"],
  [[{ name: "cookie", kind: "pass_both" }], "x-a=1 x-b=2 cookie=c"],
];

for (const [rules, expected] of CASES) {
  Deno.test(`metadata by the rules ${rules.map(({ name, kind }) => `${name} ${kind}`)}`, () => {
    assertEquals(applyRules(FIELDS, rules).map((field) => field.join("=")).join(" "), expected);
  });
}

Deno.test("the block of a call", () => {
  const at = (text: string) => requestedBlock([["x-cosmos-block-height", text]])?.from;
  assertEquals([at("17"), at("0"), at("-1"), at("x"), at("1e9"), at("9".repeat(20))], [
    17,
    ...new Array(5).fill(undefined),
  ]);
  assertEquals(requestedBlock([]), undefined);
});
