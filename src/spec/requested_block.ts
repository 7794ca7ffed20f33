import { type BlockHeight, LATEST, NOT_APPLICABLE, type RequestedBlock } from "../domain/block.ts";
import type { Api, GenericParser } from "../domain/chain_spec.ts";
import { newerBlock, olderBlock, readBlock } from "./block_value.ts";
import { memberOf, valueAt } from "./value_at.ts";

/** Finds the blocks that a call of one API is about. */
export interface BlockReader {
  /** The block when it does not depend on the params; undefined when they have to be looked at. */
  readonly fixed: RequestedBlock | undefined;
  /** The block that stands in the params. */
  read(params: unknown): RequestedBlock;
}

/** Compiles where an API's block stands. What is not there, or is no block, is the default: the newest, where the spec names none. */
export function compileBlockReader(api: Pick<Api, "block_parsing" | "parsers">): BlockReader {
  const { block_parsing: parsing, parsers = [] } = api;
  const isEmpty = parsing.parser_func === "EMPTY";
  const fallback = isEmpty ? NOT_APPLICABLE : readBlock(parsing.default_value) ?? LATEST;
  const read = (params: unknown): RequestedBlock => {
    const block = isEmpty ? NOT_APPLICABLE : readBlock(valueAt(parsing, params)) ?? fallback;
    return parsers.length === 0 ? { from: block, to: block } : readGeneric(parsers, params, block);
  };
  const isFixed = parsers.length === 0 && (isEmpty || parsing.parser_func === "DEFAULT");
  return { fixed: isFixed ? read(undefined) : undefined, read };
}

/** What further places of the request say. Where one of them gives a block, it counts and not the default. */
function readGeneric(parsers: readonly GenericParser[], params: unknown, block: BlockHeight): RequestedBlock {
  let from: BlockHeight | undefined;
  let to: BlockHeight | undefined;
  let isByHash = false;
  for (const parser of parsers) {
    const value = followPath(parser.parse_path, params);
    if (value === undefined) continue;
    switch (parser.parse_type) {
      case "BLOCK_EARLIEST":
        from = readBlock(value) ?? from;
        break;
      case "BLOCK_LATEST":
        to = readBlock(value) ?? to;
        break;
      case "BLOCK_HASH":
        isByHash ||= typeof value === "string" && value !== "" &&
          (readBlock(value) ?? NOT_APPLICABLE) === NOT_APPLICABLE;
        break;
      case "DEFAULT_VALUE":
        if (followsRule(parser.rule, value)) from = to = readBlock(parser.value) ?? to;
        break;
    }
  }
  if (isByHash && from === undefined && to === undefined) return { from: NOT_APPLICABLE, to: NOT_APPLICABLE };
  return { from: from ?? to ?? block, to: to ?? block };
}

/** The value at a path such as `.params.[0].fromBlock`. */
function followPath(path: string, params: unknown): unknown {
  const [root, ...keys] = path.split(".").filter((part) => part !== "");
  if (root !== "params") return undefined;
  let value = params;
  for (const key of keys) value = memberOf(value, key.replace(/^\[(\d+)\]$/, "$1"));
  return value;
}

/** Whether a value is one of those that a rule such as `=final || =optimistic` lists. No rule: any. */
function followsRule(rule: string | undefined, value: unknown): boolean {
  return rule === undefined || rule.split("||").some((part) => part.trim() === `=${String(value)}`);
}

/** The blocks of several calls taken together. */
export function uniteBlocks(a: RequestedBlock, b: RequestedBlock): RequestedBlock {
  return { from: olderBlock(a.from, b.from), to: newerBlock(a.to, b.to) };
}
