import { assert, assertEquals } from "@std/assert";
import { parseDuration } from "../../src/domain/duration.ts";

Deno.test("a duration as Go writes it is read in milliseconds", () => {
  const cases: [text: string, milliseconds: number][] = [
    ["0", 0],
    ["0s", 0],
    ["0h0m0s", 0],
    ["1ms", 1],
    ["500ms", 500],
    ["10s", 10_000],
    ["1m", 60_000],
    ["1m30s", 90_000],
    ["1h0m0s", 3_600_000],
    ["2h45m30.5s", 9_930_500],
    ["1.5h", 5_400_000],
    ["1.5s", 1500],
    ["0.25s", 250],
    ["250us", 0.25],
    ["250µs", 0.25],
    ["1s1ms1us1ns", 1001.001001],
    ["30s1m", 90_000],
    ["1s1s", 2000],
    ["010s", 10_000],
    ["2562047h47m16.854775807s", 9_223_372_036_854.775807],
  ];
  for (const [text, milliseconds] of cases) assertEquals(parseDuration(text), milliseconds, text);
});

Deno.test("fractions come out right to the nanosecond, which is what Go resolves", () => {
  for (const [text, milliseconds] of [["0.07s", 70], ["1.001s", 1001], ["2.007s", 2007], ["4.35m", 261_000]] as const) {
    const got = parseDuration(text);
    assert(got !== undefined && Math.abs(got - milliseconds) < 1e-6, `${text} is ${got}`);
  }
});

Deno.test("what is no duration, or no use as one, is refused", () => {
  const texts = [
    "",
    " ",
    "10",
    "1",
    "00",
    "s",
    "ms",
    "1 s",
    " 1s",
    "1s ",
    "1s\n",
    "1S",
    "1H",
    "1d",
    "1w",
    "1sec",
    "1s2",
  ];
  const signed = [
    "-1s",
    "-0s",
    "1s-1ms",
    "1e3s",
    "0x10s",
    "1_000s",
    "1,5s",
    "1..5s",
    "1.5.5s",
    "NaNs",
    "Infinitys",
  ];
  const odd = ["1m30", ".s", "s1", "١s", "1ｓ", "__proto__", "1constructor", "1toString", "1;s", "500msms", "1s\u0000"];
  for (const text of [...texts, ...signed, ...odd]) assertEquals(parseDuration(text), undefined, JSON.stringify(text));
});

Deno.test("text without an end is refused before it is read", () => {
  for (const text of ["1".repeat(1_000_000) + "s", "1s".repeat(500_000), "1".repeat(1_000_000), "1.".repeat(500_000)]) {
    assertEquals(parseDuration(text), undefined, text.slice(0, 10));
  }
});
