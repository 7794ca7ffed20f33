import { assertEquals } from "@std/assert";
import type { HeaderRule } from "../../../src/domain/chain_spec.ts";
import { applyRules } from "../../../src/hosts/grpc/metadata_rules.ts";

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
