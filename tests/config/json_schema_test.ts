import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type * as v from "valibot";
import { readFileContent } from "../../src/config/file_content.ts";
import type { fileSchema } from "../../src/config/file_schema.ts";
import { flagsOfFile } from "../../src/config/file_flags.ts";
import { RELAY_FLAGS } from "../../src/config/flags.ts";
import { documentOf } from "../../src/config/config_document.ts";
import { configJsonSchema } from "../../src/config/json_schema.ts";
import type { RelayFile } from "../../src/config/relay_file.ts";
import { resolveFlags } from "../../src/config/resolve_flags.ts";
import { SpecSet } from "../../src/spec/spec_set.ts";
import { configFiles, currentText } from "../support/config_files.ts";
import { GOOD } from "../support/config_text.ts";
import { seededRandom } from "../support/seeded_random.ts";

const SPECS = new SpecSet();
const validates = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true }).compile(configJsonSchema());

/** Every mistake that the relay finds in a file's content. */
function mistakesOf(content: unknown): readonly string[] {
  const { mistakes } = readFileContent(content, SPECS);
  const flags = resolveFlags(RELAY_FLAGS, [flagsOfFile(documentOf(content), "relay.yml")]);
  return [...mistakes.map(({ message }) => message), ...flags.mistakes];
}

Deno.test("the files that are made from the schema are up to date", async () => {
  for (const [path, text] of Object.entries(await configFiles())) {
    const isSame = await currentText(path) === text;
    assert(isSame, `${path} is not what the schema says; run deno run -A tests/support/config_files.ts`);
  }
});

/**
 * The types of a program's configuration take what the validation takes, and nothing else. Where they differ, this does not
 * compile: `deno run -A tests/support/config_files.ts` writes them anew.
 */
type Deep<T> = T extends object ? { readonly [Key in keyof T]: Deep<T[Key]> } : T;
type Validated = Deep<v.InferInput<typeof fileSchema>>;
const TYPED_IS_VALID: RelayFile extends Validated ? true : never = true;
const VALID_IS_TYPED: Validated extends RelayFile ? true : never = true;
const SAME_MEMBERS: [keyof RelayFile, keyof Validated] extends [keyof Validated, keyof RelayFile] ? true : never = true;

Deno.test("the types of a program's configuration are those of the validation", () => {
  assert(TYPED_IS_VALID && VALID_IS_TYPED && SAME_MEMBERS);
});

/** Every configuration file of the examples. */
function* exampleConfigs(folder: URL): Generator<[string, string]> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const url = new URL(isDirectory ? `${name}/` : name, folder);
    if (isDirectory) yield* exampleConfigs(url);
    else if (/\.ya?ml$/.test(name)) {
      const text = Deno.readTextFileSync(url);
      if (/^endpoints:/m.test(text)) yield [url.pathname, text];
    }
  }
}

const EXAMPLES = [...exampleConfigs(new URL("../../examples/", import.meta.url))];

Deno.test("every example is valid by the schema, and to the relay", () => {
  assert(EXAMPLES.length > 0);
  for (const [path, text] of [["the tests' own", GOOD] as const, ...EXAMPLES]) {
    const content: unknown = parse(text, { merge: true });
    assert(validates(content), `${path}: ${JSON.stringify(validates.errors)}`);
    if (!text.includes("${")) assertEquals(mistakesOf(content), [], path);
  }
});

Deno.test("examples/relay.yml names the schema to editors", () => {
  const [, text = ""] = EXAMPLES.find(([path]) => path.endsWith("/examples/relay.yml")) ?? [];
  assertStringIncludes(text, "# yaml-language-server: $schema=relay.schema.json\n");
});

Deno.test("variables may stand for anything", () => {
  const content = parse(GOOD.replace("127.0.0.1:3333", "${ADDRESS}").replace("true", "${FORWARDS}"));
  assert(validates({ ...content, "cache": "${CACHE}", "shutdown-grace": "${GRACE:-5s}" }), String(validates.errors));
});

Deno.test("every flag that a file may set is in the schema, with its default", () => {
  const { properties } = configJsonSchema() as { properties: Readonly<Record<string, { description: string }>> };
  for (const [name, { defaultText, help }] of Object.entries(RELAY_FLAGS)) {
    if (name === "upstream") continue;
    assertEquals(properties[name]?.description, `${help}; default ${defaultText || "empty"}`);
  }
});

const VALUES: readonly unknown[] = [
  ...["", "x", "ETH1", "jsonrpc", "127.0.0.1:1", ":1", "1", "true", "5s", "-5s", "/a", "*", "https://a", "disabled"],
  ...[0, 1, -1, 1.5, 1e15, 1e20, true, false, null, [], {}, [[]], ["a"], [1], { a: 1 }, { url: "https://a" }],
];

/** A content with one value of it replaced, taken out, or added to. */
function mutate(content: unknown, random: () => number): unknown {
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)]!;
  if (typeof content !== "object" || content === null || random() < 0.15) return pick(VALUES);
  if (Array.isArray(content)) {
    if (content.length === 0 || random() < 0.2) return [...content, pick(VALUES)];
    const index = Math.floor(random() * content.length);
    return content.map((item, position) => position === index ? mutate(item, random) : item);
  }
  const names = Object.keys(content);
  if (random() < 0.1) return { ...content, [pick(["more", "url", "cache", "log-level", "stake"])]: pick(VALUES) };
  if (random() < 0.1) return { ...content, [pick(Object.keys(RELAY_FLAGS))]: pick(VALUES) };
  const name = pick(names);
  const { [name]: value, ...others } = content as Record<string, unknown>;
  return random() < 0.2 ? others : { ...others, [name]: mutate(value, random) };
}

Deno.test("what the schema refuses the relay refuses, in a thousand spoilt files", () => {
  const random = seededRandom(9);
  let [refused, taken] = [0, 0];
  for (let i = 0; i < 1_000; i++) {
    let content: unknown = parse(GOOD);
    for (let changes = 0; changes <= i % 3; changes++) content = mutate(content, random);
    if (validates(content)) {
      taken++;
      continue;
    }
    refused++;
    assert(mistakesOf(content).length > 0, `taken: ${JSON.stringify(content)}; ${JSON.stringify(validates.errors)}`);
  }
  assert(refused > 300 && taken > 50, `${refused} refused, ${taken} taken`);
});
