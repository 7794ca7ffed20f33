import { assert, assertEquals } from "@std/assert";
import { EARLIEST, FINALIZED, LATEST, NOT_APPLICABLE, PENDING, SAFE } from "../../src/domain/block.ts";
import type { BlockParsing, GenericParser } from "../../src/domain/chain_spec.ts";
import { compileBlockReader, uniteBlocks } from "../../src/spec/requested_block.ts";
import { isOlderThan, readBlock } from "../../src/spec/block_value.ts";
import { seededRandom } from "../support/seeded_random.ts";

const HASH = `0x${"ab".repeat(32)}`;

function blockOf(parser_func: BlockParsing["parser_func"], args: string[], params: unknown, default_value?: string) {
  const parsing = { parser_func, parser_arg: args, ...(default_value !== undefined && { default_value }) };
  return compileBlockReader({ block_parsing: parsing }).read(params).to;
}

Deno.test("each parser function finds its block", () => {
  const cases: [func: BlockParsing["parser_func"], args: string[], params: unknown, block: number][] = [
    ["EMPTY", [""], ["0x1"], NOT_APPLICABLE],
    ["DEFAULT", ["latest"], undefined, LATEST],
    ["PARSE_BY_ARG", ["1"], ["0xaddress", "0x10"], 16],
    ["PARSE_BY_ARG", ["1"], ["0xaddress", "earliest"], EARLIEST],
    ["PARSE_BY_ARG", ["1"], ["0xaddress"], LATEST],
    ["PARSE_BY_ARG", ["0"], [{ blockNumber: "0x5" }], 5],
    ["PARSE_BY_ARG", ["0"], [{ blockHash: HASH }], NOT_APPLICABLE],
    ["PARSE_BY_ARG", ["0"], [HASH], NOT_APPLICABLE],
    ["PARSE_BY_ARG", ["0"], { named: 1 }, LATEST],
    ["PARSE_CANONICAL", ["0", "toBlock"], [{ toBlock: "0x20" }], 32],
    ["PARSE_CANONICAL", ["0", "toBlock"], [{}], LATEST],
    ["PARSE_CANONICAL", ["0", "block_id"], { block_id: 77 }, 77],
    ["PARSE_CANONICAL", ["0", "a", "b"], [{ a: { b: 9 } }], 9],
    ["PARSE_DICTIONARY", ["height", "="], { height: "12" }, 12],
    ["PARSE_DICTIONARY", ["height", "="], ["height=13"], 13],
    ["PARSE_DICTIONARY", ["height", "="], ["heights=13"], LATEST],
    ["PARSE_DICTIONARY_OR_ORDERED", ["height", "=", "0"], { height: 14 }, 14],
    ["PARSE_DICTIONARY_OR_ORDERED", ["height", "=", "0"], ["15"], 15],
    ["PARSE_DICTIONARY_OR_ORDERED", ["height", "=", "2"], ["x", "y", 16], 16],
    ["PARSE_DICTIONARY_OR_ORDERED", ["block_number", ":", "0"], [{ block_number: 17 }], 17],
    ["PARSE_DICTIONARY_OR_ORDERED", ["height", "=", "0"], undefined, LATEST],
  ];
  for (const [func, args, params, block] of cases) {
    assertEquals(blockOf(func, args, params), block, `${func} ${args} of ${JSON.stringify(params)}`);
  }
  assertEquals(blockOf("PARSE_BY_ARG", ["0"], [], "earliest"), EARLIEST, "the spec's own default");
  assertEquals(blockOf("PARSE_BY_ARG", ["0"], ["validated"], "validated"), LATEST, "a word of the chain's own");
});

Deno.test("values that are blocks, and values that are none", () => {
  const cases: [value: unknown, block: number | undefined][] = [
    ["latest", LATEST],
    ["earliest", EARLIEST],
    ["pending", PENDING],
    ["safe", SAFE],
    ["finalized", FINALIZED],
    ["0x0", 0],
    ["007", 7],
    ["0X1f", 31],
    [0, 0],
    [1.5, undefined],
    [-1, undefined],
    [NaN, undefined],
    ["-1", undefined],
    ["1e3", undefined],
    ["0x", undefined],
    ["", undefined],
    [" 1", undefined],
    [null, undefined],
    [true, undefined],
    [[], undefined],
    [{}, undefined],
    [{ blockNumber: { blockNumber: 1 } }, 1],
    [HASH.slice(2), NOT_APPLICABLE],
    [`${HASH}0`, undefined],
    ["9".repeat(60), Number.MAX_SAFE_INTEGER],
    ["9".repeat(1_000_000), undefined],
    [1e300, Number.MAX_SAFE_INTEGER],
  ];
  for (const [value, block] of cases) assertEquals(readBlock(value), block, String(JSON.stringify(value)).slice(0, 80));
});

Deno.test("further places of a request say from where to where it goes", () => {
  const logs: GenericParser[] = [
    { parse_path: ".params.[0].fromBlock", parse_type: "BLOCK_EARLIEST" },
    { parse_path: ".params.[0].toBlock", parse_type: "BLOCK_LATEST" },
    { parse_path: ".params.[0].blockHash", parse_type: "BLOCK_HASH" },
  ];
  const block_parsing = { parser_func: "PARSE_CANONICAL", parser_arg: ["0", "toBlock"] } as const;
  const read = (params: unknown) => compileBlockReader({ block_parsing, parsers: logs }).read(params);
  assertEquals(read([{ fromBlock: "0x1", toBlock: "0x9" }]), { from: 1, to: 9 });
  assertEquals(read([{ fromBlock: "0x1" }]), { from: 1, to: LATEST });
  assertEquals(read([{ fromBlock: "earliest", toBlock: "latest" }]), { from: EARLIEST, to: LATEST });
  assertEquals(read([{ blockHash: HASH }]), { from: NOT_APPLICABLE, to: NOT_APPLICABLE });
  assertEquals(read(undefined), { from: LATEST, to: LATEST });
  const finality: GenericParser[] = [
    { parse_path: ".params.finality", parse_type: "DEFAULT_VALUE", rule: "=final || =optimistic", value: "latest" },
  ];
  const near = compileBlockReader({ block_parsing: { parser_func: "EMPTY", parser_arg: [] }, parsers: finality });
  assertEquals(near.read({ finality: "final" }), { from: LATEST, to: LATEST });
  assertEquals(near.read({ finality: "other" }), { from: NOT_APPLICABLE, to: NOT_APPLICABLE });
});

Deno.test("the blocks of a batch reach from the oldest to the newest", () => {
  const one = (block: number) => ({ from: block, to: block });
  const cases: [a: number, b: number, from: number, to: number][] = [
    [5, 9, 5, 9],
    [9, 5, 5, 9],
    [5, LATEST, 5, LATEST],
    [EARLIEST, 5, EARLIEST, 5],
    [EARLIEST, LATEST, EARLIEST, LATEST],
    [LATEST, FINALIZED, FINALIZED, LATEST],
    [SAFE, FINALIZED, FINALIZED, SAFE],
    [LATEST, PENDING, LATEST, PENDING],
    [NOT_APPLICABLE, 5, 5, 5],
    [LATEST, NOT_APPLICABLE, LATEST, LATEST],
    [NOT_APPLICABLE, NOT_APPLICABLE, NOT_APPLICABLE, NOT_APPLICABLE],
  ];
  for (const [a, b, from, to] of cases) assertEquals(uniteBlocks(one(a), one(b)), { from, to }, `${a} and ${b}`);
});

Deno.test("what is old: earliest, behind the distance, and any height while the head is not known", () => {
  const cases: [block: number, head: number, isOld: boolean][] = [
    [EARLIEST, 0, true],
    [EARLIEST, 1_000, true],
    [872, 1_000, true],
    [873, 1_000, false],
    [1_001, 1_000, false],
    [5, 0, true],
    [LATEST, 0, false],
    [FINALIZED, 1_000, false],
    [NOT_APPLICABLE, 1_000, false],
  ];
  for (const [block, head, isOld] of cases) assertEquals(isOlderThan(block, head, 127), isOld, `${block} at ${head}`);
});

Deno.test("whatever stands in the params, a block or a stand-in comes out", () => {
  const random = seededRandom(11);
  const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)]!;
  const value = (depth: number): unknown => {
    const scalars = [null, true, 0, -1, 1e21, 0.1, "", "latest", "0x", "0xff", "__proto__", HASH, "height=3", "\u0000"];
    if (depth === 0 || random() < 0.5) return pick(scalars);
    const inner = () => value(depth - 1);
    if (random() < 0.5) return Array.from({ length: Math.floor(random() * 4) }, inner);
    return JSON.parse(
      JSON.stringify(Object.fromEntries([["height", inner()], ["__proto__", inner()], ["0", inner()]])),
    );
  };
  const funcs = [
    "EMPTY",
    "PARSE_BY_ARG",
    "PARSE_CANONICAL",
    "PARSE_DICTIONARY",
    "PARSE_DICTIONARY_OR_ORDERED",
    "DEFAULT",
  ] as const;
  const args = ["0", "1", "height", "=", "__proto__", "constructor", "toBlock", ""];
  for (let i = 0; i < 20_000; i++) {
    const parser_arg = [pick(args), pick(args), pick(args)];
    const parsers = [{
      parse_path: `.params.[0].${pick(args)}`,
      parse_type: pick(["BLOCK_HASH", "BLOCK_LATEST", "BLOCK_EARLIEST"]),
    }];
    const reader = compileBlockReader({ block_parsing: { parser_func: pick(funcs), parser_arg }, parsers });
    const { from, to } = reader.read(value(3));
    for (const block of [from, to]) assert(Number.isSafeInteger(block) && block >= FINALIZED, String(block));
  }
});
