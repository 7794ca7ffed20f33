/**
 * The files that are made from the configuration's schema: the types of a configuration that is a program, and the JSON
 * Schema for editors. Run as a program, this writes them anew: `deno run -A tests/support/config_files.ts`.
 */
import { IGNORED_FLAGS } from "../../src/config/foreign_flags.ts";
import { configJsonSchema, type JsonSchema } from "../../src/config/json_schema.ts";

const ROOT = new URL("../../", import.meta.url);

/** What each file should have, by its path. */
export async function configFiles(): Promise<Readonly<Record<string, string>>> {
  const schema = configJsonSchema();
  return {
    "src/config/relay_file.ts": await formatted(renderTypes(schema), "ts"),
    "examples/relay.schema.json": await formatted(JSON.stringify(schema, null, 2), "json"),
  };
}

/** What a file has now. */
export async function currentText(path: string): Promise<string> {
  return await Deno.readTextFile(new URL(path, ROOT)).catch(() => "");
}

async function formatted(text: string, extension: string): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--config", new URL("deno.json", ROOT).pathname, "--ext", extension, "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  return new TextDecoder().decode((await child.output()).stdout);
}

/** Names of the interfaces, by those of the schema's definitions. */
const NAMES: Readonly<Record<string, readonly [string, string]>> = {
  AuthConfig: ["FileAuthConfig", "How the relay shows a node who it is."],
  GrpcConfig: ["FileGrpcConfig", "What is only for gRPC nodes."],
  NodeUrl: ["FileNodeUrl", "One URL of a provider."],
  Provider: ["FileProvider", "An upstream: who is asked for answers."],
  Endpoint: ["FileEndpoint", "What the relay listens on for one chain over one interface."],
  Project: ["FileProject", "What a project may use."],
};

function renderTypes(schema: JsonSchema): string {
  const definitions = schema["$defs"] as Readonly<Record<string, JsonSchema>>;
  const parts = Object.entries(NAMES).map(([name, [type, about]]) => renderInterface(type, about, definitions[name]!));
  return [
    "// Made from the schema in file_schema.ts by `deno run -A tests/support/config_files.ts`; a test compares them.",
    "",
    ...parts,
    renderInterface(
      "RelayFile",
      "A configuration file: listeners, providers, projects, and any flag of the command line under its name.",
      schema,
    ),
  ].join("\n");
}

function renderInterface(name: string, about: string, schema: JsonSchema): string {
  const properties = Object.entries(schema["properties"] as Readonly<Record<string, JsonSchema>>);
  const required = schema["required"] as readonly string[];
  const isTyped = (member: string) => name !== "RelayFile" || !Object.hasOwn(IGNORED_FLAGS, member);
  const members = properties.filter(([member]) => isTyped(member)).map(([member, value]) => {
    const description = String(value["description"] ?? "");
    const type = typeOf(value);
    const mark = required.includes(member) ? `: ${type}` : `?: ${type} | undefined`;
    return `  /** ${description[0]?.toUpperCase()}${description.slice(1)}. */\n  readonly "${member}"${mark};`;
  });
  return `/** ${about} */\nexport interface ${name} {\n${members.join("\n")}\n}\n`;
}

function typeOf(schema: JsonSchema): string {
  const { $ref, anyOf, enum: words, type, items, additionalProperties } = schema as SchemaParts;
  if ($ref !== undefined) return NAMES[$ref.split("/").at(-1)!]![0];
  if (words !== undefined) return words.map((word) => JSON.stringify(word)).join(" | ");
  if (anyOf !== undefined) {
    return anyOf.filter((option) => option["$ref"] !== "#/$defs/Variable").map(typeOf).join(" | ");
  }
  if (type === "array") return `readonly ${typeOf(items!)}[]`;
  if (type === "object") return `Readonly<Record<string, ${typeOf(additionalProperties!)}>>`;
  return type === "integer" ? "number" : type!;
}

interface SchemaParts {
  readonly $ref?: string;
  readonly anyOf?: readonly JsonSchema[];
  readonly enum?: readonly string[];
  readonly type?: string;
  readonly items?: JsonSchema;
  readonly additionalProperties?: JsonSchema;
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(await configFiles())) await Deno.writeTextFile(new URL(path, ROOT), text);
}
