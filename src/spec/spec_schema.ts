import * as v from "valibot";
import { API_INTERFACES } from "../domain/api_interface.ts";
import type { ChainSpec } from "../domain/chain_spec.ts";

/** Something wrong with a spec file: where, and what is allowed. */
export interface SpecMistake {
  /** Members and positions from the top of the file. */
  readonly path: readonly (string | number)[];
  /** What is wrong, and what is allowed. */
  readonly message: string;
}

/** The specs of a file, or everything that is wrong with it. */
export type SpecFile =
  | {
    readonly kind: "specs";
    readonly specs: readonly ChainSpec[];
    /** Members that the relay has no use for, each name once. */
    readonly ignored: readonly string[];
  }
  | { readonly kind: "mistakes"; readonly mistakes: readonly SpecMistake[] };

/** Longest name of anything in a spec. */
const MAX_NAME_CHARS = 1_024;
/** Most compute units of one API. */
const MAX_COMPUTE_UNITS = 1_000_000_000;
/** Most mistakes that are told at once. */
const MAX_MISTAKES = 100;

const PARSER_FUNCS = [
  "EMPTY",
  "PARSE_BY_ARG",
  "PARSE_CANONICAL",
  "PARSE_DICTIONARY",
  "PARSE_DICTIONARY_OR_ORDERED",
  "DEFAULT",
] as const;

const FUNCTION_TAGS = [
  "DISABLED",
  "GET_BLOCKNUM",
  "GET_BLOCK_BY_NUM",
  "GET_EARLIEST_BLOCK",
  "SET_LATEST_IN_METADATA",
  "SET_LATEST_IN_BODY",
  "VERIFICATION",
  "SUBSCRIBE",
  "UNSUBSCRIBE",
  "UNSUBSCRIBE_ALL",
] as const;

const text = v.pipe(v.string("must be a text"), v.maxLength(65_536, "must have at most 65536 characters"));
const name = v.pipe(
  v.string("must be a text"),
  v.minLength(1, "must not be empty"),
  v.maxLength(MAX_NAME_CHARS, `must have at most ${MAX_NAME_CHARS} characters`),
);
const toggle = v.boolean("must be true or false");
const whole = (max: number) => {
  const message = `must be a whole number from 0 to ${max}`;
  return v.pipe(v.number(message), v.integer(message), v.minValue(0, message), v.maxValue(max, message));
};
const units = whole(MAX_COMPUTE_UNITS);
const oneOf = <const Word extends string>(words: readonly Word[]) =>
  v.picklist(words, `must be one of ${words.join(", ")}`);
/** The format's own files have null where a list is empty. */
const listOf = <Item extends v.GenericSchema>(item: Item) => v.nullish(v.array(item, "must be a list"), []);
const table = <Entries extends v.ObjectEntries>(entries: Entries) => v.object(entries, "must be an object");

const positioned: Readonly<Record<string, number>> = {
  PARSE_BY_ARG: 0,
  PARSE_CANONICAL: 0,
  PARSE_DICTIONARY_OR_ORDERED: 2,
};

const parsing = v.pipe(
  table({
    parser_func: v.optional(oneOf(PARSER_FUNCS), "EMPTY"),
    parser_arg: listOf(text),
    default_value: v.exactOptional(text),
    encoding: v.exactOptional(text),
  }),
  v.check(({ parser_func: func, parser_arg: args }) => {
    const at = positioned[func];
    return at === undefined || /^\d{1,4}$/.test(args[at] ?? "");
  }, "parser_arg must hold a position of the params where parser_func needs one"),
);

const category = table({
  deterministic: v.exactOptional(toggle),
  local: v.exactOptional(toggle),
  subscription: v.exactOptional(toggle),
  stateful: v.exactOptional(v.picklist([0, 1, 2], "must be 0, 1 or 2")),
  hanging_api: v.exactOptional(toggle),
});

const genericParsers = listOf(table({
  parse_path: text,
  parse_type: text,
  rule: v.exactOptional(text),
  value: v.exactOptional(text),
}));

const api = table({
  name,
  enabled: v.optional(toggle, false),
  compute_units: v.optional(units, 0),
  extra_compute_units: v.exactOptional(units),
  timeout_ms: v.exactOptional(whole(86_400_000)),
  category: v.nullish(category, {}),
  block_parsing: v.nullish(parsing, { parser_func: "EMPTY", parser_arg: [] }),
  parsers: v.exactOptional(genericParsers),
});

const directive = table({
  function_tag: oneOf(FUNCTION_TAGS),
  function_template: v.exactOptional(text),
  result_parsing: v.exactOptional(parsing),
  parsers: v.exactOptional(genericParsers),
  api_name: v.exactOptional(text),
});

const collectionData = table({
  api_interface: oneOf(API_INTERFACES),
  internal_path: v.optional(text, ""),
  type: v.optional(text, ""),
  add_on: v.optional(text, ""),
});

const collection = table({
  enabled: v.optional(toggle, false),
  collection_data: collectionData,
  apis: listOf(api),
  headers: listOf(table({
    name,
    kind: oneOf(["pass_send", "pass_reply", "pass_both", "pass_ignore", "pass_override"]),
    function_tag: v.exactOptional(text),
    value: v.exactOptional(text),
  })),
  inheritance_apis: listOf(collectionData),
  parse_directives: listOf(directive),
  extensions: listOf(table({
    name,
    cu_multiplier: v.pipe(
      v.number("must be a number"),
      v.integer("must be a whole number, so that prices are"),
      v.minValue(1, "must be at least 1"),
      v.maxValue(1_000, "must be at most 1000"),
    ),
    rule: v.exactOptional(table({ block: v.exactOptional(whole(Number.MAX_SAFE_INTEGER)) })),
  })),
  verifications: listOf(table({
    name,
    parse_directive: v.exactOptional(directive),
    values: listOf(table({
      expected_value: v.exactOptional(text),
      latest_distance: v.exactOptional(whole(Number.MAX_SAFE_INTEGER)),
      extension: v.exactOptional(text),
      severity: v.exactOptional(oneOf(["Fail", "Warning"])),
    })),
  })),
});

const spec = table({
  index: v.pipe(name, v.regex(/^[A-Za-z0-9_-]{1,64}$/, "must be 1 to 64 letters, digits, - or _")),
  name: v.optional(text, ""),
  enabled: v.optional(toggle, false),
  imports: listOf(name),
  average_block_time: v.optional(whole(86_400_000), 0),
  block_distance_for_finalized_data: v.optional(whole(Number.MAX_SAFE_INTEGER), 0),
  allowed_block_lag_for_qos_sync: v.optional(whole(Number.MAX_SAFE_INTEGER), 0),
  api_collections: listOf(collection),
});

const file = table({ proposal: table({ specs: v.array(spec, "must be a list of specs") }) });

/**
 * Checks the parsed content of a spec file, `{"proposal": {"specs": [...]}}`, and fills in what the format leaves out.
 *
 * @example
 * ```ts
 * import { readSpecFile } from "@relaymeter/relay";
 *
 * const file = readSpecFile({ proposal: { specs: [{ enabled: true }] } });
 * if (file.kind !== "mistakes") throw new Error("a spec has an index");
 * const [mistake] = file.mistakes;
 * if (mistake?.path.join(".") !== "proposal.specs.0.index") throw new Error("the mistake says where");
 * ```
 */
export function readSpecFile(content: unknown): SpecFile {
  const result = v.safeParse(file, content);
  if (!result.success) {
    const mistakes = result.issues.map((issue) => ({
      path: (issue.path ?? []).map(({ key }) => key as string | number),
      message: `${issue.message}${describe(issue.input)}`,
    }));
    return { kind: "mistakes", mistakes: mistakes.slice(0, MAX_MISTAKES) };
  }
  const specs = result.output.proposal.specs as readonly ChainSpec[];
  const mistakes = specs.flatMap((each, index) =>
    checkSpec(each).map(({ path, message }) => ({ path: ["proposal", "specs", index, ...path], message }))
  );
  if (mistakes.length > 0) return { kind: "mistakes", mistakes: mistakes.slice(0, MAX_MISTAKES) };
  return { kind: "specs", specs, ignored: ignoredMembers(content, file) };
}

/** What stands where something else should, when it is short enough to tell. */
function describe(input: unknown): string {
  if (input === undefined) return "; it is missing";
  return typeof input === "object" ? "" : `; ${JSON.stringify(input)?.slice(0, 80)} is not`;
}

/** Mistakes that only several values together make. */
function checkSpec({ api_collections: collections }: ChainSpec): SpecMistake[] {
  const mistakes: SpecMistake[] = [];
  const identities = new Set<string>();
  collections.forEach(({ collection_data: data, apis }, c) => {
    const identity = JSON.stringify([data.api_interface, data.internal_path, data.type, data.add_on]);
    if (identities.has(identity)) {
      mistakes.push({
        path: ["api_collections", c, "collection_data"],
        message: "another collection has the same four",
      });
    }
    identities.add(identity);
    const names = new Set<string>();
    apis.forEach(({ name: apiName }, a) => {
      const path = ["api_collections", c, "apis", a, "name"];
      if (names.has(apiName)) {
        mistakes.push({ path, message: `${JSON.stringify(apiName)} stands twice in the collection` });
      }
      names.add(apiName);
      if (data.api_interface === "rest" && !isTemplate(apiName)) {
        mistakes.push({
          path,
          message: `${JSON.stringify(apiName)} must be a path whose {parameters} are whole segments`,
        });
      }
    });
  });
  return mistakes;
}

function isTemplate(path: string): boolean {
  return path.split("/").every((segment) => /^(?:[^{}]*|\{[^{}]+\})$/.test(segment));
}

/** Names of members that a schema does not know, each once. */
function ignoredMembers(content: unknown, schema: v.GenericSchema, into = new Set<string>()): readonly string[] {
  const inner = unwrap(schema);
  if (Array.isArray(content) && "item" in inner) {
    for (const element of content) ignoredMembers(element, inner.item as v.GenericSchema, into);
  } else if (typeof content === "object" && content !== null && "entries" in inner) {
    const entries = inner.entries as Record<string, v.GenericSchema>;
    for (const [key, value] of Object.entries(content)) {
      if (Object.hasOwn(entries, key)) ignoredMembers(value, entries[key]!, into);
      else into.add(key);
    }
  }
  return [...into].sort();
}

/** A schema without what makes it optional or adds checks. */
function unwrap(schema: v.GenericSchema): v.GenericSchema {
  return "wrapped" in schema ? unwrap(schema.wrapped as v.GenericSchema) : schema;
}
