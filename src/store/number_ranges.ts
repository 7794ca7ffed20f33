/** Whole numbers from `first` to `last`, both included. */
export interface NumberRange {
  readonly first: number;
  readonly last: number;
}

/** The fewest ranges that hold exactly these numbers, in order. `numbers` ascend; a number may stand twice. */
export function rangesOf(numbers: Iterable<number>): NumberRange[] {
  const ranges: NumberRange[] = [];
  let first: number | undefined;
  let last = 0;
  for (const number of numbers) {
    if (first !== undefined && number <= last + 1) {
      last = number;
      continue;
    }
    if (first !== undefined) ranges.push({ first, last });
    first = last = number;
  }
  if (first !== undefined) ranges.push({ first, last });
  return ranges;
}

/** The fewest ranges that hold what any of these hold, in order. */
export function joinRanges(ranges: readonly NumberRange[]): NumberRange[] {
  const joined: NumberRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.first - b.first)) {
    const before = joined.at(-1);
    if (before !== undefined && range.first <= before.last + 1) {
      joined[joined.length - 1] = { first: before.first, last: Math.max(before.last, range.last) };
    } else joined.push(range);
  }
  return joined;
}

/** What of 1 to `end` none of these holds. `ranges` are in order and apart. */
export function gapsOf(ranges: readonly NumberRange[], end: number): NumberRange[] {
  const gaps: NumberRange[] = [];
  let next = 1;
  for (const { first, last } of ranges) {
    if (first > end) break;
    if (first > next) gaps.push({ first: next, last: first - 1 });
    next = last + 1;
  }
  if (next <= end) gaps.push({ first: next, last: end });
  return gaps;
}

/** How many numbers the ranges hold. */
export function countOf(ranges: readonly NumberRange[]): number {
  return ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}
