import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { readDocument } from "../../src/config/config_file.ts";
import { describeMistake } from "../../src/config/mistake.ts";
import { readConfigFile } from "../../src/cli/read_config_file.ts";
import { SpecSet } from "../../src/spec/spec_set.ts";
import { say } from "../support/collector_build.ts";
import { GOOD } from "../support/config_text.ts";

const NO_ENVIRONMENT = { get: () => undefined, names: () => [] };

/** What a file with this name and content is read as. */
async function read(name: string, content: string | Uint8Array) {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/${name}`;
    await (typeof content === "string" ? Deno.writeTextFile(path, content) : Deno.writeFile(path, content));
    const document = await readConfigFile(path, NO_ENVIRONMENT);
    const { endpoints, mistakes } = readDocument(document, new SpecSet());
    return { endpoints, mistakes: mistakes.map(describeMistake) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const CONTENT = {
  "$schema": "./relay.schema.json",
  "endpoints": [{ "chain-id": "ETH1", "api-interface": "jsonrpc", "network-address": "127.0.0.1:3333" }],
  "static-providers": [{
    "name": "primary",
    "chain-id": "ETH1",
    "api-interface": "jsonrpc",
    "node-urls": [{ url: "https://node.example" }],
  }],
};

/** The same configuration in each form. */
const FORMS: readonly (readonly [string, string | Uint8Array])[] = [
  ["relay.yml", GOOD],
  ["relay", GOOD],
  ["relay.yaml", `\ufeff${GOOD}`],
  ["relay.json", JSON.stringify(CONTENT)],
  ["relay.json", `\ufeff${JSON.stringify(CONTENT, null, "\t")}`],
  ["relaymeter.config.ts", `const port: number = 3333;\nexport default ${JSON.stringify(CONTENT)} as unknown;`],
  ["relaymeter.config.ts", `export default Promise.resolve(${JSON.stringify(CONTENT)});`],
  ["relaymeter.config.mjs", `await 0; export default ${JSON.stringify(CONTENT)};`],
];

for (const [name, content] of FORMS) {
  Deno.test(`${name} with ${String(content).slice(0, 24)} is read as its extension says`, async () => {
    const { endpoints, mistakes } = await read(name, content);
    assertEquals(mistakes, []);
    assertEquals(endpoints.map(({ relay }) => relay.providers.map((provider) => provider.name)), [["primary"]]);
  });
}

const binary = Uint8Array.from({ length: 5_000 }, (_, index) => index * 7 % 256);

/** Files that can't be read, and what is said of them. No message may have `K3Y`. */
const BAD: readonly (readonly [string, string, string | Uint8Array, string])[] = [
  ["a binary file", "relay.yml", binary, "is no text in UTF-8"],
  ["a binary file as a program", "relay.ts", binary, "is no text in UTF-8"],
  ["Latin-1", "relay.yml", Uint8Array.of(0x61, 0x3a, 0xe9, 0x0a), "is no text in UTF-8"],
  ["11 MiB", "relay.yml", `${GOOD}#${"x".repeat(11 * 1024 * 1024)}\n`, "larger than 10 MiB"],
  ["11 MiB of JSON", "relay.json", `[${"1,".repeat(6 * 1024 * 1024)}1]`, "larger than 10 MiB"],
  ["YAML where JSON belongs", "relay.json", GOOD, "line 1: is not JSON"],
  ["a comment in JSON", "relay.json", '{\n  "endpoints": [] // K3Y\n}', "line 2: is not JSON"],
  ["half of a JSON file", "relay.json", '{\n  "endpoints": [\n', "line 2: is not JSON"],
  ["a member twice in JSON", "relay.json", '{\n  "cache": true,\n  "cache": false\n}', "line 3: members are unique"],
  ["no braces in TypeScript", "relay.ts", "export default {\n", "line 1: can't be loaded"],
  [
    "a program that throws",
    "relay.ts",
    '\n\nthrow new Error("no key at https://u:K3Y@node.example/K3Y");',
    "line 3: can't be loaded: Error: no key at https://node.example",
  ],
  [
    "a program that throws below",
    "relay.ts",
    "function f(x: null) {\n  return (x as unknown as string).at(0);\n}\nf(null);",
    "line 2: can't be loaded",
  ],
  ["a program that throws no error", "relay.ts", "throw 5;", "can't be loaded: 5"],
  [
    "a promise that rejects",
    "relay.ts",
    '\nexport default Promise.reject(new Error("later"));',
    "line 2: can't be loaded: Error: later",
  ],
  ["an import that is not there", "relay.ts", '\nimport "./nowhere.ts";', "line 2: can't be loaded"],
  ["no default export", "relay.ts", "export const config = {};", "export default defineConfig({ ... })"],
  ["a function as the default export", "relay.ts", "export default () => ({});", "must have the members endpoints"],
  ["a list as the default export", "relay.ts", "export default [];", "must have the members endpoints"],
];

for (const [what, name, content, expected] of BAD) {
  Deno.test(`${what} in ${name} is refused in one line that says why`, async () => {
    const { mistakes } = await read(name, content);
    assertEquals(mistakes.length, 1, mistakes.join("\n"));
    assertStringIncludes(mistakes[0]!, expected);
    assert(!mistakes[0]!.includes("K3Y") && !mistakes[0]!.includes("\n"), mistakes[0]);
  });
}

Deno.test("mistakes of a program's configuration have their paths", async () => {
  const content = { ...CONTENT, endpoints: [{ ...CONTENT.endpoints[0], "network-address": "localhost" }] };
  const { mistakes } = await read("relay.ts", `export default ${JSON.stringify(content)};`);
  assertEquals(mistakes.length, 1);
  assertStringIncludes(mistakes[0]!, "endpoints[0].network-address: must be host:port");
});

Deno.test("a program is run anew each time that it is read", async () => {
  const path = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    for (const value of [1, 2]) {
      await Deno.writeTextFile(path, `export default ${value};`);
      assertEquals((await readConfigFile(path, NO_ENVIRONMENT)).content, value);
    }
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("what is no file that can be read is said to be that", async () => {
  const folder = await Deno.makeTempDir({ suffix: ".yml" });
  try {
    const said = async (path: string) => (await readConfigFile(path, NO_ENVIRONMENT)).mistakes.map(describeMistake);
    assertEquals(await said(folder), ["is a directory, and no file"]);
    assertEquals(await said(`${folder}/nothing.ts`), ["there is no such file"]);
    assertStringIncludes((await said("/dev/zero")).join(), "is no text");
    // The kernel opens it, and refuses to read where nothing is mapped.
    assertEquals(await said("/proc/self/mem"), ["it can't be read"]);
    await Deno.writeTextFile(`${folder}/closed.yml`, GOOD, { mode: 0o000 });
    if (Deno.uid() === 0) return say("skipped: a file without permissions, because root reads any");
    assertEquals(await said(`${folder}/closed.yml`), ["can't be read: permission denied"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
