import { assert, assertEquals } from "@std/assert";
import { formatReport } from "../../src/report/format.ts";
import { readPrices } from "../../src/report/prices.ts";
import { createReport, type Report, type ReportOptions, type UsageSum } from "../../src/report/report.ts";

const read = readPrices("version: v7\ncurrency: EUR\nprices: [{chain: ETH1, per-million-units: 0.3}]");
assert(read.kind === "prices");
const OPTIONS: ReportOptions = {
  fromUnixMs: Date.UTC(2026, 10, 1),
  toUnixMs: Infinity,
  by: ["project", "method"],
  successesOnly: false,
  excludeCacheHits: false,
  prices: read.prices,
};

function sum(project: string, method: string, units: bigint, chain = "ETH1"): UsageSum {
  return { key: [project, method], project, chain, events: 2n, failed: 1n, cacheHits: 0n, units };
}

const REPORT: Report = createReport(OPTIONS, [
  sum("globex", "eth_call", 20n),
  sum("acme", "eth_call", 9_007_199_254_740_993n),
  sum("acme", "eth_call", 1n),
  sum("acme", "eth_call", 7n, "NEW"),
]);

Deno.test("rows are added up, sorted, and the total is their exact sum", () => {
  assertEquals(
    formatReport(REPORT, "table"),
    [
      "project  method    events  failed  cache_hits             units          amount EUR",
      "-------  --------  ------  ------  ----------  ----------------  ------------------",
      "acme     eth_call       6       3           0  9007199254741001  2702159776.4222982",
      "globex   eth_call       2       1           0                20            0.000006",
      "-------  --------  ------  ------  ----------  ----------------  ------------------",
      "total                   8       4           0  9007199254741021  2702159776.4223042",
      "",
      "prices: version v7",
      "",
    ].join("\n"),
  );
  assertEquals(REPORT.total.unpricedUnits, 7n);
});

Deno.test("JSON keeps whole numbers whole and amounts exact", () => {
  assertEquals(
    formatReport(REPORT, "json"),
    '{"from":"2026-11-01T00:00:00.000Z","to":null,"by":["project","method"],"successes_only":false,' +
      '"exclude_cache_hits":false,"prices":{"version":"v7","currency":"EUR"},"rows":[' +
      '{"project":"acme","method":"eth_call","events":6,"failed":3,"cache_hits":0,"units":9007199254741001,"amount":"2702159776.4222982","unpriced_units":7},' +
      '{"project":"globex","method":"eth_call","events":2,"failed":1,"cache_hits":0,"units":20,"amount":"0.000006","unpriced_units":0}],' +
      '"total":{"events":8,"failed":4,"cache_hits":0,"units":9007199254741021,"amount":"2702159776.4223042","unpriced_units":7}}\n',
  );
});

Deno.test("no name is a formula in CSV, breaks a line, or steers a terminal", () => {
  const names = ["=1+1", "+1", "-1", "@x", "\t=1", 'a"b', "a,b", "a\nb", "plain", "\x1b[2J", "\u202egnp.exe"];
  const report = createReport(
    { ...OPTIONS, by: ["project"], prices: undefined },
    names.map((project) => {
      return { ...sum(project, "", 1n), key: [project] };
    }),
  );
  const cells = formatReport(report, "csv").split("\r\n").slice(1, -1).map((line) => line.slice(0, -",2,1,0,1".length));
  assertEquals(
    new Set(cells),
    new Set(["'=1+1", "'+1", "'-1", "'@x", "'\t=1", '"a""b"', '"a,b"', '"a\nb"', "plain", "\x1b[2J", "\u202egnp.exe"]),
  );
  const table = formatReport(report, "table");
  // deno-lint-ignore no-control-regex -- they are looked for
  assertEquals(/[\u0000-\u0009\u000b-\u001f\u007f\u202e]/.test(table), false);
  assertEquals(table.includes("\\u{1b}[2J") && table.includes("a\\u{a}b"), true);
});

Deno.test("a report of nothing has a total of nothing", () => {
  const report = createReport({ ...OPTIONS, prices: undefined }, []);
  assertEquals(formatReport(report, "csv"), "project,method,events,failed,cache_hits,units\r\n");
  assertEquals(formatReport(report, "table").split("\n").at(-2)?.replaceAll(/ +/g, " "), "total 0 0 0 0");
});
