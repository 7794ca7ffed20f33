import { assert, assertEquals } from "@std/assert";
import { decimalText, parseDecimal, perMillion, plus, times } from "../../src/report/decimal.ts";
import { priceOf, readPrices } from "../../src/report/prices.ts";

Deno.test("decimals are exact where doubles are not", () => {
  const [tenth, fifth] = [parseDecimal("0.1")!, parseDecimal(".2")!];
  assertEquals(decimalText(plus(tenth, fifth)), "0.30");
  assertEquals(decimalText(times(perMillion(parseDecimal("0.30")!), 1n)), "0.0000003");
  assertEquals(decimalText(times(parseDecimal("0.0000000000000000000001")!, 2n ** 64n)), "0.0018446744073709551616");
  assertEquals(decimalText(times(parseDecimal("12")!, 3n)), "36.00");
  assertEquals(decimalText(parseDecimal("1234.5000")!), "1234.50");
  assertEquals(["", ".", "-1", "1e3", "1,5", "0x1", "1.2.3", " 1", "NaN"].map(parseDecimal).filter(Boolean), []);
});

const FILE = `
version: 2026-11   # not a date, and not 2004
currency: EUR
prices:
  - { project: acme, chain: ETH1, per-million-units: 0.10 }
  - { project: acme, per-million-units: 0.20 }
  - { chain: ETH1, per-million-units: 0.30000000000000000001 }
`;

Deno.test("the first price that fits is the price, digit by digit as it is written", () => {
  const read = readPrices(FILE);
  assert(read.kind === "prices");
  const { prices } = read;
  assertEquals([prices.version, prices.currency], ["2026-11", "EUR"]);
  const of = (project: string, chain: string) => {
    const price = priceOf(prices, project, chain);
    return price && decimalText(times(price, 1_000_000n));
  };
  assertEquals(of("acme", "ETH1"), "0.10");
  assertEquals(of("acme", "LAV1"), "0.20");
  assertEquals(of("globex", "ETH1"), "0.30000000000000000001");
  assertEquals(of("globex", "LAV1"), undefined);
});

Deno.test("every mistake in a file of prices is told at once", () => {
  const mistakes = (text: string) => {
    const read = readPrices(text);
    return read.kind === "mistakes" ? read.mistakes : [];
  };
  assertEquals(mistakes("prices: [{per-million-units: -1, projekt: x}, 5]\nextra: 1"), [
    "extra: is no member; version, currency, prices are",
    "version: a text is needed; it is printed with each report",
    "currency: a text is needed, such as EUR",
    "prices[0].projekt: is no member; project, chain, per-million-units are",
    "prices[0].per-million-units: is not a decimal number that is not negative, such as 0.30",
    "prices[1]: needs per-million-units, and project or chain or both where it is not for all",
  ]);
  assertEquals(mistakes("version: a\ncurrency: b"), ["prices: a list with at least one price is needed"]);
  assertEquals(mistakes("[1"), ["is neither YAML nor JSON"]);
  assertEquals(mistakes("5"), ["needs the members version, currency and prices"]);
  assertEquals(mistakes("version: a\ncurrency: b\nprices: [{project: [x], per-million-units: 1}]"), [
    "prices[0].project: is not a text",
  ]);
});
