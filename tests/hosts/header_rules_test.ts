import { assert, assertEquals } from "@std/assert";
import type { HeaderRule } from "../../mod.ts";
import { returnedHeaders, withSpecHeaders } from "../../src/hosts/header_rules.ts";

const REQUEST = {
  verb: "POST",
  path: "",
  query: "",
  headers: [["content-type", "application/json"]],
  body: null,
} as const;

const RULES: readonly HeaderRule[] = [
  { name: "X-Both", kind: "pass_both" },
  { name: "x-send", kind: "pass_send" },
  { name: "x-reply", kind: "pass_reply" },
  { name: "x-set", kind: "pass_override", value: "spec" },
  { name: "x-set", kind: "pass_both" },
  { name: "x-ignored", kind: "pass_ignore" },
  ...["cookie", "set-cookie", "authorization", "host", "content-length", "transfer-encoding", "project-id"]
    .map((name) => ({ name, kind: "pass_both" }) as const),
];

const EVERYTHING = Object.fromEntries([...new Set(RULES.map(({ name }) => name)), "x-other"].map((n) => [n, "theirs"]));

Deno.test("a node gets the headers that the spec sends, and the values that it sets; no secret and no framing, whatever the spec says", () => {
  const source = {
    get: (name: string) => Object.entries(EVERYTHING).find(([key]) => key.toLowerCase() === name)?.[1] ?? null,
  };
  assertEquals(withSpecHeaders(REQUEST, RULES, source).headers, [
    ["content-type", "application/json"],
    ["x-both", "theirs"],
    ["x-send", "theirs"],
    ["x-set", "spec"],
  ]);
});

Deno.test("a caller gets the headers that the spec returns", () => {
  const reply = Object.keys(EVERYTHING).map((name) => [name.toLowerCase(), "node's"] as const);
  assertEquals(returnedHeaders([...reply, ["content-type", "text/html"]], RULES), [
    ["x-both", "node's"],
    ["x-reply", "node's"],
    ["x-set", "node's"],
  ]);
});

Deno.test("the spec may set the content type, once", () => {
  const rules: readonly HeaderRule[] = [{ name: "content-type", kind: "pass_override", value: "application/x" }];
  assertEquals(withSpecHeaders(REQUEST, rules, new Headers()).headers, [["content-type", "application/x"]]);
});

Deno.test("without rules the request stays as it is, and nothing comes back", () => {
  assert(withSpecHeaders(REQUEST, [], new Headers(EVERYTHING)) === REQUEST);
  assertEquals(returnedHeaders([["x-reply", "1"]], []), []);
});

Deno.test("a value over the limit is not passed on", () => {
  const headers = new Headers({ "x-send": "a".repeat(9_000) });
  assertEquals(withSpecHeaders(REQUEST, [{ name: "x-send", kind: "pass_send" }], headers).headers, REQUEST.headers);
});
