import { assertEquals } from "@std/assert";
import type { ApiFacts, RelayRequest } from "../../src/domain/relay_request.ts";
import { planRelay, type RelayMode } from "../../src/relay/plan.ts";

const OPTIONS = { minRelayTimeoutMs: 1_000, processingTimeoutMs: 30_000, averageBlockTimeMs: 13_000 };

type Row = readonly [
  what: string,
  api: Partial<ApiFacts>,
  askedMs: number,
  relayMs: number,
  processingMs: number,
  mode?: RelayMode,
];

const TABLE: readonly Row[] = [
  ["10 units: the shortest timeout", { computeUnits: 10 }, 0, 1_000, 30_000],
  ["20 units: 100 ms each", { computeUnits: 20 }, 0, 2_000, 30_000],
  ["80 units: a minute in all", { computeUnits: 80 }, 0, 8_000, 60_000],
  ["100 units: three minutes in all", { computeUnits: 100 }, 0, 10_000, 180_000],
  ["a timeout of the spec", { computeUnits: 20, timeoutMs: 700 }, 0, 700, 30_000],
  ["an API that waits: two blocks on top", { computeUnits: 10, isHanging: true }, 0, 27_000, 180_000],
  ["a write: three minutes in all", { computeUnits: 10, stateful: 1 }, 0, 1_000, 180_000, "broadcast"],
  ["a write that is kept at its node", { computeUnits: 10, stateful: 2 }, 0, 1_000, 30_000],
  ["what the caller asks for", { computeUnits: 100 }, 50, 50, 180_000],
  ["and all attempts have as long as one", { computeUnits: 10 }, 90_000, 90_000, 90_000],
];

for (const [what, api, requestedTimeoutMs, relayMs, processingMs, mode = "one"] of TABLE) {
  Deno.test(`planRelay: ${what}`, () => {
    const facts = { timeoutMs: 0, stateful: 0, isHanging: false, ...api };
    const request = { api: facts, steering: { requestedTimeoutMs }, arrivedAtMs: 500 } as unknown as RelayRequest;
    assertEquals(planRelay(request, OPTIONS), { mode, relayTimeoutMs: relayMs, deadlineMs: 500 + processingMs });
  });
}

Deno.test("planRelay: a caller that wants agreement gets it, for a write too", () => {
  const steering = { requestedTimeoutMs: 0, crossValidation: { maxParticipants: 3, agreementThreshold: 2 } };
  const api = { computeUnits: 10, timeoutMs: 0, stateful: 1, isHanging: false };
  const request = { api, steering, arrivedAtMs: 0 } as unknown as RelayRequest;
  assertEquals(planRelay(request, OPTIONS).mode, "cross_validation");
});
