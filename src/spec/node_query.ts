import type {
  ApiCollection,
  BlockParsing,
  CollectionData,
  FunctionTag,
  GenericParser,
  ParseDirective,
} from "../domain/chain_spec.ts";
import type { Matcher } from "./matcher.ts";
import { readBlock } from "./block_value.ts";
import { isHeight } from "../domain/block.ts";
import { memberOf, valueAt } from "./value_at.ts";

/** A question that the relay itself asks a node, as the chain spec words it. */
export interface NodeQuery {
  /** A body for JSON-RPC and Tendermint, a path for REST, a message in JSON for gRPC. */
  readonly template: string;
  /** Name of the API that it calls. */
  readonly apiName: string;
  readonly collection: CollectionData;
  /** What the answer says, as text: of JSON-RPC its `result`, of others the whole body. Undefined when it is not there. */
  read(answer: unknown): string | undefined;
  /**
   * Reads the whole answer, of JSON-RPC the response object with its error, where the spec looks for the value in
   * several places; REST's body stands under `result`. Undefined where `read` says all.
   */
  readonly readWhole: ((answer: unknown) => string | undefined) | undefined;
}

/** What a node has to answer to count as what it is configured as. */
export interface NodeVerification {
  /** Name in the chain spec, by which a configuration skips it. */
  readonly name: string;
  readonly query: NodeQuery;
  /** Add-on whose nodes are asked; empty for all nodes. */
  readonly addOn: string;
  /** Extension whose nodes are asked; empty for all that serve the add-on. */
  readonly extension: string;
  /** The value that is expected; `*` for any; undefined when only the distance counts. */
  readonly expectedValue: string | undefined;
  /** The answer is a block that many blocks behind the newest, or less; 0 when that does not count. */
  readonly latestDistance: number;
  /** Whether a node that fails is left out. */
  readonly isFatal: boolean;
}

/** The question of a tag among the collections without add-on, first those at the root; undefined where the spec has none. */
export function queryOf(matcher: Matcher, tag: FunctionTag): NodeQuery | undefined {
  for (const collection of matcher.collections) {
    if (collection.collection_data.add_on !== "") continue;
    const query = directiveOf(collection, tag);
    if (query !== undefined) return query;
  }
  return undefined;
}

/** Reads a block number out of what a `GET_BLOCKNUM` or `GET_EARLIEST_BLOCK` query has found. */
export function blockNumberOf(text: string | undefined): number | undefined {
  const block = readBlock(text);
  return block !== undefined && isHeight(block) ? block : undefined;
}

/** Everything that nodes are verified by: one entry for each value of each verification. */
export function verificationsOf(matcher: Matcher): readonly NodeVerification[] {
  return matcher.collections.flatMap((collection) =>
    (collection.verifications ?? []).flatMap(({ name, parse_directive: directive, values }) => {
      const query = directive &&
        (compileQuery(directive, collection) ?? directiveOf(collection, directive.function_tag) ??
          queryOf(matcher, directive.function_tag));
      if (query === undefined) return [];
      return values.map((value): NodeVerification => ({
        name,
        query,
        addOn: collection.collection_data.add_on,
        extension: value.extension ?? "",
        expectedValue: value.expected_value,
        latestDistance: value.latest_distance ?? 0,
        isFatal: value.severity !== "Warning",
      }));
    })
  );
}

/** The methods that start or end subscriptions, by tag. */
export function subscriptionDirectives(
  matcher: Matcher,
  tag: "SUBSCRIBE" | "UNSUBSCRIBE" | "UNSUBSCRIBE_ALL",
): ParseDirective[] {
  return matcher.collections.flatMap(({ parse_directives: directives = [] }) =>
    directives.filter((directive) => directive.function_tag === tag)
  );
}

function directiveOf(collection: ApiCollection, tag: FunctionTag): NodeQuery | undefined {
  const directive = collection.parse_directives?.find(({ function_tag }) => function_tag === tag);
  return directive && compileQuery(directive, collection);
}

function compileQuery(directive: ParseDirective, { collection_data }: ApiCollection): NodeQuery | undefined {
  const { result_parsing: parsing, api_name: apiName = "" } = directive;
  // A gRPC method may be called with nothing in its message.
  const template = directive.function_template ?? (collection_data.api_interface === "grpc" ? "" : undefined);
  if (template === undefined || template === "" && apiName === "") return undefined;
  return {
    template,
    apiName,
    collection: collection_data,
    read: (answer) => readAnswer(parsing, answer),
    readWhole: directive.parsers?.length ? (answer) => readPlaces(directive.parsers!, answer) : undefined,
  };
}

/** The value at the first of several places that has one, and the one that is wanted there. */
function readPlaces(parsers: readonly GenericParser[], answer: unknown): string | undefined {
  for (const { parse_path: path, value: wanted = "*" } of parsers) {
    let value = answer;
    for (const key of path.split(/[.[\]]+/)) if (key !== "") value = memberOf(value, key);
    const text = readAnswer(undefined, value);
    if (text !== undefined && (wanted === "*" || wanted === text)) return text;
  }
  return undefined;
}

/** The text at the place of an answer that a directive names. */
function readAnswer(parsing: BlockParsing | undefined, answer: unknown): string | undefined {
  const isWhole = parsing === undefined || parsing.parser_func === "EMPTY";
  const value = isWhole ? answer : valueAt(parsing, [answer]) ?? parsing.default_value;
  switch (typeof value) {
    case "string":
      return value;
    case "number":
    case "boolean":
    case "bigint":
      return String(value);
    case "object":
      // Whether there is an answer at all may be all that is asked.
      return value === null ? undefined : JSON.stringify(value);
    default:
      return undefined;
  }
}
