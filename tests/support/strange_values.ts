import { qosEvent, relayEvent } from "./usage.ts";

/** What a double may be, and what is to be sent of it. */
export const DOUBLES: readonly (readonly [value: number, sent: number])[] = [
  [1, 1],
  [0.97, 0.97],
  [0, 0],
  [NaN, 0],
  [Infinity, 0],
  [-Infinity, 0],
  [2 ** 53 + 2, 2 ** 53 + 2],
  [-1, -1],
  [1e21, 1e21],
  [-1.5e300, -1.5e300],
  [5e-324, 5e-324],
  [Number.MAX_VALUE, Number.MAX_VALUE],
];

/** What an int may be: whole numbers are sent as they are, all others as the nearest that an int can be, or 0. */
export const INTS: readonly (readonly [value: number, sent: bigint])[] = [
  [1, 1n],
  [0, 0n],
  [-0, 0n],
  [-1, -1n],
  [127, 127n],
  [128, 128n],
  [2 ** 31 - 1, 2n ** 31n - 1n],
  [2 ** 31, 2n ** 31n],
  [2 ** 32 + 1, 2n ** 32n + 1n],
  [-(2 ** 31), -(2n ** 31n)],
  [2 ** 53 - 1, 2n ** 53n - 1n],
  [2 ** 53 + 2, 2n ** 53n + 2n],
  [-(2 ** 53) - 2, -(2n ** 53n) - 2n],
  [0.97, 0n],
  [-1.5, -1n],
  [1e21, 2n ** 63n - 1024n],
  [-1e21, -(2n ** 63n)],
  [NaN, 0n],
];

/** What a time may be, and its nanoseconds. */
export const TIMES: readonly (readonly [unixMs: number, nanos: bigint])[] = [
  [1_767_225_600_123, 1_767_225_600_123_000_000n],
  [1_767_225_600_123.25, 1_767_225_600_123_250_000n],
  [1_767_225_599_999.5, 1_767_225_599_999_500_000n],
  [1_000, 1_000_000_000n],
  [5, 5_000_000n],
  [0, 0n],
  [-1, 0n],
  [NaN, 0n],
];

/** What a text may be, and what is to be sent of it. */
export const TEXTS: readonly (readonly [text: string, sent: string])[] = [
  ["\ud800", "\ufffd"],
  ["a\udc00b\ud800", "a\ufffdb\ufffd"],
  ["\u0000", "\u0000"],
  ["a\u0000\u0001\u001f\u007f\u0080b", "a\u0000\u0001\u001f\u007f\u0080b"],
  ["\u2028\u2029\ufeff\uffff", "\u2028\u2029\ufeff\uffff"],
  ["\ufeffbom", "\ufeffbom"],
  ['"\\/\n\r\t', '"\\/\n\r\t'],
  ["日本語 🦊 é", "日本語 🦊 é"],
  ["</script>${x}{{y}}", "</script>${x}{{y}}"],
  ["x".repeat(64) + "é", "x".repeat(64) + "é"],
];

/** All of it as events: the ints, the times, the texts. */
export const STRANGE_EVENTS = [
  ...INTS.map(([value]) => relayEvent({ computeUnits: value, latencyMs: value, hedgeCount: value })),
  ...TIMES.map(([timeUnixMs]) => relayEvent({ timeUnixMs })),
  ...TEXTS.map(([text]) => relayEvent({ project: text, apiMethod: text, provider: text, origin: text })),
];
/** The doubles as events. */
export const STRANGE_SCORES = DOUBLES.map(([value]) => qosEvent({ selectionLatency: value, stakeContribution: value }));
