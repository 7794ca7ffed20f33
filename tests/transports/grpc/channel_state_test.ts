import { assert, assertEquals } from "@std/assert";
import {
  backoffMs,
  type ChannelDecision,
  type ChannelEvent,
  type ChannelState,
  decideChannel,
  stepChannel,
} from "../../../src/transports/grpc/channel_state.ts";

/** What a caller does: by state, before and after the connect timeout. */
const DECISIONS: readonly (readonly [ChannelState, before: ChannelDecision, after: ChannelDecision])[] = [
  ["IDLE", "wait", "close_and_fail"],
  ["CONNECTING", "wait", "close_and_fail"],
  ["TRANSIENT_FAILURE", "wait", "close_and_fail"],
  ["READY", "go", "go"],
  ["SHUTDOWN", "fail", "fail"],
];

for (const [state, before, after] of DECISIONS) {
  Deno.test(`a channel that is ${state}`, () => {
    for (const waitedMs of [0, 1, 29_999]) assertEquals(decideChannel(state, waitedMs, 30_000), before);
    for (const waitedMs of [30_000, 60_000]) assertEquals(decideChannel(state, waitedMs, 30_000), after);
  });
}

const EVENTS: readonly ChannelEvent[] = ["wanted", "connected", "refused", "try_again", "lost", "closed"];

/** Where each event leads, in the order of the list above; a dot stays. */
const STEPS: Readonly<Record<ChannelState, readonly (ChannelState | ".")[]>> = {
  IDLE: ["CONNECTING", ".", ".", ".", ".", "SHUTDOWN"],
  CONNECTING: [".", "READY", "TRANSIENT_FAILURE", ".", ".", "SHUTDOWN"],
  READY: [".", ".", ".", ".", "IDLE", "SHUTDOWN"],
  TRANSIENT_FAILURE: [".", ".", ".", "CONNECTING", ".", "SHUTDOWN"],
  SHUTDOWN: [".", ".", ".", ".", ".", "."],
};

for (const [state, targets] of Object.entries(STEPS) as [ChannelState, readonly (ChannelState | ".")[]][]) {
  Deno.test(`events of a channel that is ${state}`, () => {
    EVENTS.forEach((event, index) => {
      const target = targets[index]!;
      assertEquals(stepChannel(state, event), target === "." ? state : target, event);
    });
  });
}

Deno.test("to leave IDLE is no success: the walk goes on until READY", () => {
  let state: ChannelState = "IDLE";
  const decisions: ChannelDecision[] = [];
  for (const event of ["wanted", "refused", "try_again", "refused", "try_again", "connected"] as const) {
    state = stepChannel(state, event);
    decisions.push(decideChannel(state, 1_000, 30_000));
  }
  assertEquals(decisions, ["wait", "wait", "wait", "wait", "wait", "go"]);
});

Deno.test("the pause grows from 1 s to 2 minutes, give or take a fifth", () => {
  assertEquals(backoffMs(1, 0.5), 1_000);
  assertEquals(backoffMs(2, 0.5), 1_600);
  assertEquals(backoffMs(100, 0.5), 120_000);
  assertEquals([backoffMs(1, 0), backoffMs(1, 1)], [800, 1_200]);
  for (let failures = 1; failures < 20; failures++) assert(backoffMs(failures + 1, 0.5) >= backoffMs(failures, 0.5));
});
