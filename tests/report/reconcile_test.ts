import { assertEquals } from "@std/assert";
import { mergeMetrics } from "../../src/cli/processes/merge_metrics.ts";
import { readLedgers, type RelayLedger } from "../../src/report/ledger_lines.ts";
import { type Arrival, reconcile } from "../../src/report/reconcile.ts";

function ledger(boot: string, last: number, different: Partial<RelayLedger> = {}): RelayLedger {
  return {
    isFinal: true,
    boot,
    last,
    adopted: 0,
    exported: last,
    dropped: {},
    lost: 0,
    spooled: 0,
    isBalanced: true,
    ...different,
  };
}

function arrival(boot: string, ...pairs: readonly (readonly [number, number])[]): Arrival {
  return { boot, arrived: pairs.map(([first, last]) => ({ first, last })), removed: [], duplicates: 0 };
}

interface Case {
  readonly name: string;
  readonly boots: readonly Arrival[];
  readonly ledgers: readonly RelayLedger[];
  readonly missing: number;
  readonly problems: readonly string[];
}

const CASES: readonly Case[] = [
  {
    name: "all is there",
    boots: [arrival("a", [1, 10]), arrival("b", [1, 5])],
    ledgers: [ledger("a", 10), ledger("b", 5)],
    missing: 0,
    problems: [],
  },
  {
    name: "a relay without events is complete",
    boots: [],
    ledgers: [ledger("a", 0)],
    missing: 0,
    problems: [],
  },
  {
    name: "a hole that nobody owns up to",
    boots: [arrival("a", [1, 3], [6, 10])],
    ledgers: [ledger("a", 12)],
    missing: 4,
    problems: ["4 events are missing, and no ledger owns up to them"],
  },
  {
    name: "drops and what was in memory are owned up to, and no more than that",
    boots: [arrival("a", [1, 3], [6, 10])],
    ledgers: [ledger("a", 12, { exported: 9, dropped: { queue_full: 2 }, lost: 1 })],
    missing: 4,
    problems: ["1 events are missing, and no ledger owns up to them"],
  },
  {
    name: "what a dead process left on disk is owned up to",
    boots: [arrival("a", [1, 8])],
    ledgers: [ledger("a", 10, { exported: 8, spooled: 2 })],
    missing: 2,
    problems: [],
  },
  {
    name: "what another process took over and says it has sent has to be there",
    boots: [arrival("a", [1, 8])],
    ledgers: [ledger("a", 10, { exported: 8, spooled: 2 }), ledger("b", 0, { adopted: 2, exported: 2 })],
    missing: 2,
    problems: ["2 events are missing, and no ledger owns up to them"],
  },
  {
    name: "what retention removed is not missing",
    boots: [{ ...arrival("a", [6, 10]), removed: [{ first: 1, last: 5 }] }],
    ledgers: [ledger("a", 10)],
    missing: 0,
    problems: [],
  },
  {
    name: "without its ledger a boot is not complete",
    boots: [arrival("a", [1, 10])],
    ledgers: [],
    missing: 0,
    problems: ["a: has no ledger: how many events it had is not known"],
  },
  {
    name: "events that the ledger has not numbered",
    boots: [arrival("a", [1, 10])],
    ledgers: [ledger("a", 9)],
    missing: 0,
    problems: ["a: has events beyond the last number of its ledger"],
  },
  {
    name: "a relay that goes on has numbered more since its snapshot, and may hold some",
    boots: [arrival("a", [1, 7], [9, 20])],
    ledgers: [ledger("a", 10, { isFinal: false, exported: 9, lost: 1 })],
    missing: 1,
    problems: [],
  },
  {
    name: "a ledger that does not add up",
    boots: [arrival("a", [1, 10])],
    ledgers: [ledger("a", 10, { isBalanced: false })],
    missing: 0,
    problems: ["a: has a ledger whose sums do not agree"],
  },
  {
    name: "nothing at all is no proof",
    boots: [],
    ledgers: [],
    missing: 0,
    problems: ["there is nothing to compare: no events with ids, and no ledger"],
  },
];

for (const { name, boots, ledgers, missing, problems } of CASES) {
  Deno.test(`reconcile: ${name}`, () => {
    const result = reconcile({ boots, withoutId: 0, unreadable: 0 }, ledgers);
    assertEquals(result.missing, missing);
    const all = result.boots.flatMap(({ boot, problems }) => problems.map((problem) => `${boot}: ${problem}`));
    assertEquals([...all, ...result.problems], problems);
    assertEquals(result.isAccountedFor, problems.length === 0);
  });
}

Deno.test("reconcile: events without ids, and lines that can't be read, prove nothing", () => {
  const result = reconcile({ boots: [arrival("a", [1, 1])], withoutId: 3, unreadable: 2 }, [ledger("a", 1)]);
  assertEquals(result.problems, [
    "3 events have no event_id; run the relays with --usage-otel-extended",
    "2 events or lines can't be read",
  ]);
  assertEquals(result.isAccountedFor, false);
});

Deno.test("ledgers are found in a log, with their adoptions and whether they add up", () => {
  const fields = {
    relay_usage_accepted: 12,
    relay_usage_exported: 8,
    relay_usage_dropped_queue_full: 1,
    relay_usage_dropped_timeout: 0,
    relay_usage_queued: 0,
    relay_usage_in_flight: 0,
    relay_usage_spooled: 3,
    usage_boot: "host-1/abc",
    usage_last_number: 10,
  };
  const lines = [
    "not JSON",
    '{"message":"relay is listening"}',
    `2026-11-24T00:00:00Z pod-1 ${JSON.stringify(fields)}`,
    JSON.stringify({ ...fields, usage_boot: "host-1/def", relay_usage_spooled: 2 }),
    '{"usage_boot":"torn',
    '{"usage_boot":"x"}',
  ];
  const expected: RelayLedger = {
    isFinal: true,
    boot: "host-1/abc",
    last: 10,
    adopted: 2,
    exported: 8,
    dropped: { queue_full: 1 },
    lost: 0,
    spooled: 3,
    isBalanced: true,
  };
  assertEquals(readLedgers(lines.join("\n")), [
    expected,
    { ...expected, boot: "host-1/def", spooled: 2, isBalanced: false },
  ]);
});

Deno.test("a snapshot of metrics is a ledger that is not the last word", () => {
  const page = `# TYPE lava_rpcsmartrouter_usage_events_accepted_total counter
lava_rpcsmartrouter_usage_events_accepted_total{kind="relay_usage"} 12
lava_rpcsmartrouter_usage_events_accepted_total{kind="optimizer_qos"} 99
lava_rpcsmartrouter_usage_events_exported_total{kind="relay_usage"} 8
lava_rpcsmartrouter_usage_events_queued{kind="relay_usage"} 1
lava_rpcsmartrouter_usage_events_in_flight{kind="relay_usage"} 1
lava_rpcsmartrouter_usage_events_spooled{kind="relay_usage"} 0
lava_rpcsmartrouter_usage_events_dropped_total{kind="relay_usage",reason="queue_full"} 2
lava_rpcsmartrouter_usage_events_dropped_total{kind="relay_usage",reason="timeout"} 0
lava_rpcsmartrouter_usage_events_numbered_total{boot="a \\"quoted\\" host/abc"} 12
`;
  assertEquals(readLedgers(page), [{
    isFinal: false,
    boot: 'a "quoted" host/abc',
    last: 12,
    adopted: 0,
    exported: 8,
    dropped: { queue_full: 2 },
    lost: 2,
    spooled: 0,
    isBalanced: true,
  }]);
});

Deno.test("a snapshot of several processes is a ledger of each", () => {
  const pageOf = (boot: string, exported: number) =>
    ["accepted_total", "exported_total", "queued", "in_flight", "spooled"].map((name) =>
      `lava_rpcsmartrouter_usage_events_${name}{kind="relay_usage"} ${/accepted|exported/.test(name) ? exported : 0}`
    ).concat(`lava_rpcsmartrouter_usage_events_numbered_total{boot="${boot}"} ${exported}`)
      .map((sample) => `# TYPE ${sample.split("{")[0]} counter\n${sample}`).join("\n");
  const page = mergeMetrics([{ slot: 1, text: pageOf("host-1/abc", 5) }, { slot: 2, text: pageOf("host-2/def", 7) }]);
  assertEquals(readLedgers(page).map(({ boot, last, exported, isFinal }) => [boot, last, exported, isFinal]), [
    ["host-1/abc", 5, 5, false],
    ["host-2/def", 7, 7, false],
  ]);
});
