import { assertEquals } from "@std/assert";
import { NoopUsageSink } from "../../mod.ts";
import type { Outcome } from "../../src/domain/outcome.ts";
import type { RelayRequest } from "../../src/domain/relay_request.ts";
import { Meter } from "../../src/relay/meter.ts";
import { ProjectBudgets } from "../../src/relay/project_budgets.ts";
import { noMetrics } from "../../src/relay/relay_metrics.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { MemorySink } from "../support/memory_sink.ts";

const API = { computeUnits: 60, apiMethod: "eth_call", extensions: [], addOn: "", stateful: 0 };
const FACTS = { api: API, tried: ["node"], attempts: 1, retries: 0, hedges: 0, notes: [] };
const ANSWER = { ...FACTS, kind: "answer", provider: "node", cacheHit: false, success: true } as unknown as Outcome;

function failureOf(code: string, tried: readonly string[] = ["node"]): Outcome {
  return { ...FACTS, tried, kind: "failure", error: { code, message: "" } } as unknown as Outcome;
}

function request(): RelayRequest {
  const caller = { project: "acme", origin: "", address: "" };
  return {
    caller,
    api: API,
    call: { isBatch: false },
    chain: "ETH1",
    apiInterface: "jsonrpc",
  } as unknown as RelayRequest;
}

/** How many more calls of 60 units a budget of 1,000 has room for after one that ended so. */
function roomAfter(outcome: Outcome, sink = new MemorySink() as NoopUsageSink): number {
  const clock = new FakeClock();
  const meter = new Meter(sink, clock, noMetrics, {
    budgets: new ProjectBudgets([{ project: "acme", unitsPerDay: 1_000 }], clock),
  });
  const first = request();
  assertEquals(meter.admit(first), undefined);
  meter.record(first, outcome);
  let room = 0;
  while (meter.admit(request()) === undefined) room++;
  return room;
}

Deno.test("a budget is used by what is charged, and by nothing else", () => {
  assertEquals(roomAfter(ANSWER), 15);
  assertEquals(roomAfter(ANSWER, new NoopUsageSink()), 15, "with usage off as well");
  assertEquals(roomAfter(failureOf("upstream_unreachable")), 16, "no node answered");
  assertEquals(roomAfter(failureOf("upstream_http_error")), 15, "one did");
  assertEquals(roomAfter(failureOf("client_closed", [])), 16, "nothing was done");
  const archive = { ...ANSWER, api: { ...API, computeUnits: 300 } } as unknown as Outcome;
  assertEquals(roomAfter(archive), 11, "an extension was added on the way");
});

Deno.test("a refused call is counted, and told when to come back", () => {
  const clock = new FakeClock();
  const sink = new MemorySink();
  let refused = 0;
  const meter = new Meter(sink, clock, { ...noMetrics, overBudget: () => void refused++ }, {
    budgets: new ProjectBudgets([{ project: "acme", unitsPerSecond: 10 }], clock),
  });
  assertEquals(meter.admit(request()), undefined);
  assertEquals(meter.admit(request()), {
    error: {
      code: "over_budget",
      message: "project acme has used 10 compute units a second; try again in 6 s",
    },
    retryAfterMs: 5_100,
  });
  assertEquals([refused, sink.events.length], [1, 0]);
});
