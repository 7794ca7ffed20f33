import { assert } from "@std/assert";
import { readConfigFile } from "../../src/config/config_file.ts";
import { describeMistake } from "../../src/config/mistake.ts";
import { change, GOOD } from "../support/config_text.ts";

/** Places where a key can stand by mistake, and where a parser is tempted to quote it. */
const LEAKS: readonly (readonly [string, string])[] = [
  ["a URL where an object belongs", change('{ url: "node.example:8545" }', "https://node.example/K3Y")],
  ["a URL where the list of URLs belongs", change('[{ url: "node.example:8545" }]', "https://node.example/K3Y")],
  ["a URL as a member's name", change("- url: https://node.example/v2/K3Y", "- https://node.example/v2/K3Y: x")],
  ["a URL as a provider", `${GOOD}  - https://node.example/K3Y\n`],
  ["a URL as the list of providers", `${GOOD}direct-rpc: https://node.example/K3Y\n`],
  ["a bad scheme", change("https://node", "ftp://user:K3Y@node")],
  ["a URL that is none", change("https://node.example/v2/K3Y", '"https://:K3Y"')],
  ["a URL that is a block", change("https://node.example/v2/K3Y", "|K3Y")],
  ["a URL that is a tag", change("https://node.example/v2/K3Y", "!K3Y!x y")],
  ["a header value with a bracket", change("x-key: K3Y", "x-key: ]K3Y")],
  ["a header value with an escape", change("x-key: K3Y", 'x-key: "\\uK3Y"')],
  ["a header value with a line break", change("x-key: K3Y", 'x-key: "K3Y\\nx: y"')],
  ["a header value that is a list", change("x-key: K3Y", "x-key: [K3Y]")],
  ["credentials that are a text", change("{ auth-headers: { x-key: K3Y }, auth-query: key=K3Y }", "Bearer K3Y")],
  ["credentials twice", change("auth-query: key", "auth-query: key=K3Y, auth-query: key")],
];

for (const [what, text] of LEAKS) {
  Deno.test(`no key is quoted from ${what}`, () => {
    const { mistakes, warnings } = readConfigFile(text);
    assert(mistakes.length > 0, "the file was taken");
    const said = [...mistakes.map(describeMistake), ...warnings].join("\n");
    assert(!said.includes("K3Y"), said);
  });
}
