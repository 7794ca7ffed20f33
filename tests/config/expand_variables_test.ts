import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { expandVariables } from "../../src/config/expand_variables.ts";
import { describeMistake } from "../../src/config/mistake.ts";
import { parseConfigText } from "../../src/config/parse_document.ts";
import { readDocument } from "../../src/config/config_file.ts";
import { SpecSet } from "../../src/spec/spec_set.ts";
import { change } from "../support/config_text.ts";

const VARIABLES: Readonly<Record<string, string>> = {
  KEY: "K3Y-of-the-node",
  EMPTY: "",
  STAKE: "10",
  YES: "true",
  DOLLAR: "$KEY ${KEY}",
};
const valueOf = (name: string) => VARIABLES[name];

/** A text, and what it is with its variables put in. */
const GOOD_TEXTS: readonly (readonly [string, string])[] = [
  ["${KEY}", "K3Y-of-the-node"],
  ["https://node/${KEY}?x=${STAKE}", "https://node/K3Y-of-the-node?x=10"],
  ["${NONE:-a b}", "a b"],
  ["${EMPTY:-a}", "a"],
  ["${NONE:-}", ""],
  ["${KEY:-a}", "K3Y-of-the-node"],
  ["${EMPTY}", ""],
  ["$${KEY}", "${KEY}"],
  ["$KEY $$ $ a$b $(KEY)", "$KEY $$ $ a$b $(KEY)"],
  ["${DOLLAR}", "$KEY ${KEY}"],
];

for (const [text, expected] of GOOD_TEXTS) {
  Deno.test(`${text} becomes ${JSON.stringify(expected)}`, () => {
    const expanded = expandVariables(text, valueOf);
    assertEquals(expanded.kind === "text" && expanded.text, expected);
  });
}

for (const text of ["${NONE}", "${}", "${9A}", "${KEY", "${KEY:+x}", "${ KEY }"]) {
  Deno.test(`${text} is a mistake`, () => {
    assertEquals(expandVariables(text, valueOf).kind, "mistake");
  });
}

const read = (text: string) => readDocument(parseConfigText(text, valueOf), new SpecSet());

Deno.test("variables are put into values, numbers and truth values among them, and not into names", () => {
  const text = change("ip-forwarding: true", "ip-forwarding: ${YES}")
    .replace("name: spare", "name: spare\n    stake: ${STAKE}")
    .replace("x-key: K3Y", 'x-key: "Bearer ${KEY}", "x-$KEY": "${STAKE}"');
  const { endpoints, mistakes } = read(text);
  assertEquals(mistakes.map(describeMistake), []);
  const { providers, backupProviders } = endpoints[0]!.relay;
  assertEquals(providers[0]!.nodeUrls[0]!.ipForwarding, true);
  assertEquals(backupProviders?.[0]?.stake, 10);
  // A header that looks like a number is a text.
  assertEquals(providers[0]!.nodeUrls[0]!.authHeaders, { "x-key": "Bearer K3Y-of-the-node", "x-$KEY": "10" });
});

Deno.test("variables that are not set are told all at once, each with its line and path", () => {
  const text = change("/K3Y", "/${NODE_KEY}").replace("x-key: K3Y", 'x-key: "${OTHER_KEY}"');
  assertEquals(read(text).mistakes.map(describeMistake), [
    "line 10, static-providers[0].node-urls[0].url: " +
    "the environment variable NODE_KEY is not set; set it, or write a default: ${NODE_KEY:-default}",
    "line 15, static-providers[0].node-urls[0].auth-config.auth-headers.x-key: " +
    "the environment variable OTHER_KEY is not set; set it, or write a default: ${OTHER_KEY:-default}",
  ]);
});

/** Where a value of a variable would be quoted if it stood in the file. */
const QUOTING: readonly (readonly [string, string])[] = [
  ["chain-id: ETH1", "chain-id: ${KEY}"],
  ["127.0.0.1:3333", "${KEY}"],
  ["[debug]", '["${KEY}"]'],
  ["1m30s", "${STAKE}"],
  ["name: primary", "name: ${KEY}"],
  ["ip-forwarding: true", "ip-forwarding: ${KEY}"],
];

for (const [from, to] of QUOTING) {
  Deno.test(`a mistake in ${to} for ${from} has the variable's name and not its value`, () => {
    const text = change(from, to).replace("name: spare", to.includes("name") ? to : "name: spare");
    const { mistakes } = read(text);
    assert(mistakes.length > 0, "the file was taken");
    const said = mistakes.map(describeMistake).join("\n");
    assert(!said.includes("K3Y-of-the-node") && !/\b10\b.*timeout|timeout.*\b10\b/.test(said), said);
  });
}

Deno.test("a variable that YAML can't tell from its own braces is told with the remedy", () => {
  const [mistake = "", ...others] = read(change("x-key: K3Y", "x-key: ${KEY}")).mistakes.map(describeMistake);
  assertStringIncludes(mistake, 'line 15: is not YAML; inside { } and [ ], quote variables: "${NAME}"');
  assertEquals(others, []);
});

Deno.test("a variable in an anchor is put in once and found by all of its aliases", () => {
  const text = `x: &auth { auth-headers: { key: "\${KEY}" } }\n`;
  const document = parseConfigText(`${text}y: { <<: *auth, z: [*auth] }\n`, valueOf);
  assertEquals(document.content, {
    x: { "auth-headers": { key: "K3Y-of-the-node" } },
    y: { "auth-headers": { key: "K3Y-of-the-node" }, z: [{ "auth-headers": { key: "K3Y-of-the-node" } }] },
  });
  for (const path of [["x"], ["y"], ["y", "z", 0]]) {
    assertEquals(document.templateOf([...path, "auth-headers", "key"]), "${KEY}");
    assertEquals(document.lineOf([...path, "auth-headers", "key"]), 1);
  }
  assertEquals(document.lineOf(["y", "z"]), 2);
  assertStringIncludes(String(document.templateOf(["x", "auth-headers"])), "undefined");
});
