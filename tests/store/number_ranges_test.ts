import { assertEquals } from "@std/assert";
import { countOf, gapsOf, joinRanges, type NumberRange, rangesOf } from "../../src/store/number_ranges.ts";

const ranges = (...pairs: readonly (readonly [number, number])[]): NumberRange[] =>
  pairs.map(([first, last]) => ({ first, last }));

Deno.test("numbers are put together to ranges", () => {
  assertEquals(rangesOf([]), []);
  assertEquals(rangesOf([1, 2, 2, 3, 5, 9, 10]), ranges([1, 3], [5, 5], [9, 10]));
});

Deno.test("ranges are joined where they touch", () => {
  assertEquals(joinRanges(ranges([5, 6], [1, 2], [3, 3], [8, 9], [7, 12])), ranges([1, 3], [5, 12]));
  assertEquals(joinRanges(ranges([1, 10], [2, 3])), ranges([1, 10]));
});

Deno.test("gaps are what is not there", () => {
  assertEquals(gapsOf([], 3), ranges([1, 3]));
  assertEquals(gapsOf(ranges([1, 3]), 3), []);
  assertEquals(gapsOf(ranges([2, 3], [6, 6]), 8), ranges([1, 1], [4, 5], [7, 8]));
  assertEquals(gapsOf(ranges([2, 3], [20, 30]), 8), ranges([1, 1], [4, 8]));
  assertEquals(countOf(ranges([1, 1], [4, 8])), 6);
});
