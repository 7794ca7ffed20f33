import { fileSchema, FREE_MEMBER, NOTHING } from "./file_schema.ts";

/** A JSON Schema, or a part of one. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

/** What is looked at of a schema of the validation. */
interface SchemaNode {
  readonly kind: string;
  readonly type: string;
  readonly entries?: Readonly<Record<string, SchemaNode>>;
  readonly wrapped?: SchemaNode;
  readonly item?: SchemaNode;
  readonly value?: SchemaNode;
  readonly options?: readonly (SchemaNode | string)[];
  readonly pipe?: readonly PipeItem[];
}

/** What is looked at of a step of a schema's pipe. */
interface PipeItem {
  readonly type: string;
  readonly requirement?: unknown;
  readonly title?: string;
  readonly description?: string;
  readonly pipe?: readonly PipeItem[];
}

/** Where objects and what they share are defined. */
type Definitions = Record<string, JsonSchema>;

/** A value that a variable is put in for, which can't be known to an editor. */
const VARIABLE: JsonSchema = { type: "string", pattern: "\\$\\{", description: "an environment variable, ${NAME}" };

/**
 * The JSON Schema (draft 2020-12) of the configuration file, made from the validation itself. It refuses nothing that the
 * relay takes; what needs more than one member, or a chain spec, to be judged is left to the relay.
 */
export function configJsonSchema(): JsonSchema {
  const definitions: Definitions = { Variable: VARIABLE };
  convert(fileSchema, definitions);
  const { RelayFile, ...others } = definitions;
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Configuration of Relaymeter",
    ...RelayFile,
    patternProperties: { [FREE_MEMBER.source]: true },
    $defs: others,
  };
}

function convert(schema: SchemaNode, definitions: Definitions): JsonSchema {
  if (schema.wrapped !== undefined) return convert(schema.wrapped, definitions);
  const steps = stepsOf(schema);
  const description = steps.find((step) => step.type === "description")?.description;
  const isNothing = description?.startsWith(NOTHING) ?? false;
  return {
    ...(description !== undefined && { description }),
    ...(isNothing && { deprecated: true }),
    ...shapeOf(schema, steps, definitions),
  };
}

function shapeOf(schema: SchemaNode, steps: readonly PipeItem[], definitions: Definitions): JsonSchema {
  const { entries = {}, item, value, options = [] } = schema;
  switch (schema.type) {
    case "object_with_rest": {
      const title = steps.find((step) => step.type === "title")?.title ?? "";
      definitions[title] ??= objectOf(entries, definitions);
      return { $ref: `#/$defs/${title}` };
    }
    case "array":
      return { type: "array", ...keywordsOf(steps), ...(item && { items: convert(item, definitions) }) };
    case "record":
      return { type: "object", ...(value && { additionalProperties: convert(value, definitions) }) };
    case "union":
      return { anyOf: options.flatMap((option) => typeof option === "string" ? [] : [convert(option, definitions)]) };
    case "picklist":
      return orVariable({ enum: options });
    case "boolean":
      return orVariable({ type: "boolean" });
    case "number":
      return orVariable({ type: "number", ...keywordsOf(steps) });
    case "string": {
      const keywords = keywordsOf(steps);
      return "pattern" in keywords ? orVariable({ type: "string", ...keywords }) : { type: "string", ...keywords };
    }
    case "unknown":
      return {};
    default:
      throw new TypeError(`${schema.type} has no counterpart in a JSON Schema`);
  }
}

function objectOf(entries: Readonly<Record<string, SchemaNode>>, definitions: Definitions): JsonSchema {
  const properties = Object.entries(entries).map(([name, entry]) => [name, convert(entry, definitions)]);
  return {
    type: "object",
    properties: Object.fromEntries(properties),
    required: Object.keys(entries).filter((name) => entries[name]!.type !== "optional"),
    additionalProperties: false,
  };
}

/** A variable stands for any value; a text without rules takes it anyway. */
function orVariable(schema: JsonSchema): JsonSchema {
  return { anyOf: [schema, { $ref: "#/$defs/Variable" }] };
}

/** The keywords of the rules that a JSON Schema can tell. */
function keywordsOf(steps: readonly PipeItem[]): JsonSchema {
  const keywords: Record<string, unknown> = {};
  for (const { type, requirement } of steps) {
    if (type === "non_empty") keywords["minLength"] = 1;
    if (type === "min_length") keywords["minItems"] = requirement;
    if (type === "regex") keywords["pattern"] = (requirement as RegExp).source;
    if (type === "integer" || type === "safe_integer") keywords["type"] = "integer";
    if (type === "min_value") keywords["minimum"] = requirement;
    if (type === "max_value") keywords["maximum"] = requirement;
  }
  return keywords;
}

/** The steps of a schema's pipe, those of the schema that it begins with among them. */
function stepsOf({ pipe = [] }: { readonly pipe?: readonly PipeItem[] }): readonly PipeItem[] {
  const [first, ...rest] = pipe;
  return first === undefined ? [] : [...stepsOf(first.pipe === pipe ? {} : first), ...rest];
}
