/** What the operators' documents name is there: flags, metrics, errors, alerts, files, lines of the log. */
import { assert, assertEquals } from "@std/assert";
import { createMetrics, NoopUsageSink } from "../../mod.ts";
import { IGNORED_FLAGS, OTHER_NAMES } from "../../src/config/foreign_flags.ts";
import { RELAY_FLAGS } from "../../src/config/flags.ts";
import { RELAY_ERRORS, type RelayErrorTraits } from "../../src/domain/relay_error.ts";
import { ledgerFields } from "../../src/cli/serve/final_ledger.ts";
import { allFlags, mistakesIn, wordsOf } from "../support/operator/command_line.ts";
import { anchorOf, commandsOf, type Document, readDocument } from "../support/operator/document.ts";
import { exampleText, exampleYaml } from "../support/operator/examples.ts";

const ROOT = new URL("../../", import.meta.url);
const OPERATIONS = new URL("examples/operations/", ROOT);
const NAMES = ["runbook.md", "migration.md", "tuning.md"];
const DOCUMENTS = new Map<string, Document>();
for (const name of NAMES) DOCUMENTS.set(name, readDocument(await Deno.readTextFile(new URL(name, OPERATIONS))));
const RUNBOOK = DOCUMENTS.get("runbook.md")!;
const MIGRATION = DOCUMENTS.get("migration.md")!;
const TUNING = DOCUMENTS.get("tuning.md")!;

/** All text of a folder's files, of those whose names fit. */
function textUnder(folder: string, fits: RegExp): string {
  let text = "";
  for (const { name, isDirectory } of Deno.readDirSync(new URL(folder, ROOT))) {
    if (isDirectory) text += textUnder(`${folder}${name}/`, fits);
    else if (fits.test(name)) text += Deno.readTextFileSync(new URL(`${folder}${name}`, ROOT)) + "\n";
  }
  return text;
}

/** What a span may be taken from literally: the program, and the examples that are run. */
const PRODUCT = textUnder("src/", /\.ts$/) + textUnder("examples/", /\.(?:yml|yaml|json|service)$|^Dockerfile$/);

const FLAGS = allFlags();
const METRICS = new Set(
  [...createMetrics({ version: "0", usage: () => new NoopUsageSink().stats() }).toString().matchAll(/^# TYPE (\S+)/gm)]
    .flatMap(([, name]) => [name!, name!.replace("lava_rpcsmartrouter_", "")]),
);
const LEDGER = Object.keys(ledgerFields(new NoopUsageSink())).filter((name) => name.startsWith("relay_usage_"))
  .map((name) => name.replace(/^relay_usage_(?:dropped_)?/, ""));

/** Where JSON-RPC clients find an error's name. */
const ERROR_PLACE = "error.data.code";

/** Why a span names nothing that is there; undefined when it does. */
function missing(span: string, isKnownFlag: (name: string) => boolean): string | undefined {
  const flags = [...span.matchAll(/--([a-z0-9][\w-]*\*?)/g)].map(([, name]) => name!);
  // Of V8, and of the kernel, which have theirs.
  if (/^DENO_V8_FLAGS=|^--(max-semi-space-size|no-memory-reducer)|^kill /.test(span)) return undefined;
  if (flags.length > 0) {
    const unknown = flags.filter((name) =>
      name.endsWith("*") ? ![...FLAGS].some((flag) => flag.startsWith(name.slice(0, -1))) : !isKnownFlag(name)
    );
    if (unknown.length > 0) return `--${unknown.join(", --")} is no flag`;
    const [, name, value] = /^--([\w-]+)[= ](\S+)$/.exec(span) ?? [];
    return name !== undefined && value !== undefined && FLAGS.has(name)
      ? mistakesIn(["rpcsmartrouter", `--${name}=${value}`])[0]
      : undefined;
  }
  if (span.startsWith("relaymeter ")) return mistakesIn(wordsOf(span).slice(1))[0];
  if (/^[a-z]+(?:_[a-z]+)+$/.test(span) && (METRICS.has(span) || LEDGER.includes(span))) return undefined;
  if (/ = .* \+ /.test(span) || span === ERROR_PLACE) return undefined;
  return PRODUCT.includes(span) || PRODUCT.includes(span.toLowerCase()) ? undefined : `nothing is called ${span}`;
}

for (const [name, { spans, links, headings }] of DOCUMENTS) {
  Deno.test(`${name}: what it names is there`, () => {
    const isMigration = name === "migration.md";
    const isKnown = (flag: string) =>
      FLAGS.has(flag) || isMigration && (Object.hasOwn(IGNORED_FLAGS, flag) || Object.hasOwn(OTHER_NAMES, flag));
    assert(spans.length > 20 && headings.length > 3);
    assertEquals(spans.map((span) => missing(span, isKnown)).filter((reason) => reason !== undefined), []);
  });

  Deno.test(`${name}: its links lead somewhere`, async () => {
    assert(links.length > 0);
    for (const link of links) {
      const [path = "", anchor] = link.split("#");
      const url = new URL(path === "" ? name : path, OPERATIONS);
      const text = await Deno.readTextFile(url);
      if (anchor !== undefined) assert(readDocument(text).headings.map(anchorOf).includes(anchor), link);
    }
  });
}

Deno.test("a flag, a metric, a log line and a value that are not there are found", () => {
  const isKnown = (flag: string) => FLAGS.has(flag);
  assertEquals(missing("--usage-otel-queue", isKnown), "--usage-otel-queue is no flag");
  assertEquals(missing("requests_totals", isKnown), "nothing is called requests_totals");
  assertEquals(missing("provider was left alone", isKnown), "nothing is called provider was left alone");
  assert(missing("--hedge-quantile=95", isKnown)?.includes("is not a number from 0"));
  assert(missing("relaymeter valdate", isKnown)?.includes("no command"));
});

Deno.test("the runbook has a section for each alert, and for no other", async () => {
  const { groups } = await exampleYaml<{ groups: { rules: { alert: string }[] }[] }>("monitoring/alerts.yml");
  const alerts = groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));
  assert(alerts.length > 0);
  assertEquals(RUNBOOK.headings.filter((heading) => /^[A-Z][a-z]+(?:[A-Z][a-z]+)+$/.test(heading)), alerts);
});

Deno.test("the runbook has each error of the relay, with its status, whose fault it is, and whether it is charged", () => {
  const rows = RUNBOOK.rows("Errors").map((cells) => cells.slice(0, 4));
  const expected = Object.entries<RelayErrorTraits>(RELAY_ERRORS).map((
    [code, { httpStatus, fault, charged }],
  ) => [`\`${code}\``, String(httpStatus), fault, charged ? "yes" : "no"]);
  assertEquals(rows, expected);
});

Deno.test("the runbook has each state of the ledger, and each reason for a loss", () => {
  const states = RUNBOOK.rows("The ledger").map(([state = "", meaning = ""]) => ({ state, meaning }));
  assertEquals(new Set(states.map(({ state }) => state.replaceAll("`", ""))), new Set(LEDGER));
  const dropped = states.filter(({ meaning }) => meaning.startsWith("dropped:")).map(({ state }) => state);
  const reasons = Object.keys(new NoopUsageSink().stats().relay_usage.dropped);
  assertEquals(new Set(dropped), new Set(reasons.map((reason) => `\`${reason}\``)));
});

Deno.test("the page about the other router has every flag of it that is taken and does nothing, and why", () => {
  const named = MIGRATION.entries("Flags that do nothing").flatMap((entry) => {
    const [, flags = "", reason = ""] = /^((?:`[^`]+`(?:, )?)+): (.*)$/.exec(entry) ?? [];
    return [...flags.matchAll(/`--([\w-]+)`/g)].map(([, name]) => [name!, reason]);
  });
  assertEquals(
    Object.fromEntries(named),
    Object.fromEntries(Object.entries(IGNORED_FLAGS).map(([name, { reason }]) => [name, reason])),
  );
  const renamed = MIGRATION.rows("Flags under another name").map((cells) =>
    cells.map((cell) => cell.replaceAll(/[`-]{3}|`/g, ""))
  );
  assertEquals(renamed, Object.entries(OTHER_NAMES).map(([theirs, ours]) => [theirs, ours]));
});

Deno.test("every command line of the documents and examples is one that the program takes", async () => {
  const files = [
    "README.md",
    "CONTRIBUTING.md",
    "examples/binary/README.md",
    "examples/collector/README.md",
    "examples/edge/README.md",
    ...NAMES.map((name) => `examples/operations/${name}`),
  ];
  let count = 0;
  for (const file of files) {
    const { blocks } = readDocument(await Deno.readTextFile(new URL(file, ROOT)));
    for (const { language, text } of blocks) {
      if (language !== "sh") continue;
      for (const line of commandsOf(text)) {
        const [, rest] =
          /(?:^|\s)(?:cli\.ts|(?:\.\/)?relaymeter(?:\.run)?|deno task start)\s+(.*?)(?:\s+&)?$/.exec(line) ?? [];
        if (rest === undefined) continue;
        count++;
        assertEquals(mistakesIn(wordsOf(rest)), [], `${file}: ${line}`);
      }
    }
  }
  assert(count > 10, `${count} command lines`);
  const comments = await exampleText("relay.yml");
  for (const [, rest] of comments.matchAll(/cli\.ts (.*)$/gm)) assertEquals(mistakesIn(wordsOf(rest!)), []);
});

/** A flag's default as the page about tuning writes it. */
function written(name: string): string {
  const { placeholder, initial } = RELAY_FLAGS[name as keyof typeof RELAY_FLAGS];
  if (typeof initial !== "number") throw new TypeError(`${name} is no number`);
  if (initial <= 0) return "no limit";
  if (placeholder === "DURATION") return initial % 60_000 === 0 ? `${initial / 60_000} min` : `${initial / 1000} s`;
  return initial % 2 ** 20 === 0 ? `${initial / 2 ** 20} MiB` : initial.toLocaleString("en");
}

Deno.test("the defaults and figures of the page about tuning are those of the flags", () => {
  const rows = TUNING.rows("WebSockets");
  assert(rows.length > 4);
  for (const [, flags = "", defaults] of rows) {
    assertEquals([...flags.matchAll(/`--([\w-]+)`/g)].map(([, name]) => written(name!)).join(", "), defaults);
  }
  const of = (name: keyof typeof RELAY_FLAGS) => Number(RELAY_FLAGS[name].initial);
  const perSecond = 1_000;
  const most = of("usage-otel-max-batches-in-flight") * of("usage-otel-batch-size") / 0.05;
  const minutes = (bytes: number) => Math.floor(of("usage-spool-max-bytes") / (perSecond * bytes) / 60);
  assertEquals(TUNING.rows("Usage events").map((cells) => cells[2]), [
    `${of("usage-otel-queue-size") / perSecond} s at 1,000/s`,
    "40 MiB; 54 MiB",
    `${minutes(470)} min; ${minutes(1_130)} min at 1,000/s`,
    `${of("usage-spool-sync-interval") / 1_000 * perSecond} at 1,000/s`,
    `${most.toLocaleString("en")}/s at 50 ms`,
    `${of("usage-otel-flush-interval")} ms`,
    `${(most * of("usage-otel-export-timeout") / 1_000).toLocaleString("en")} at 50 ms`,
  ]);
});
