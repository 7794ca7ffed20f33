import { assertEquals } from "@std/assert";
import { silentLog } from "../../../mod.ts";
import type { ChildProcess } from "../../../src/cli/processes/child_process.ts";
import type { Command, Report } from "../../../src/cli/processes/messages.ts";
import { Supervisor } from "../../../src/cli/processes/supervisor.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";

interface FakeChild extends ChildProcess {
  readonly slot: number;
  readonly told: Command["do"][];
  end(code: number): Promise<void>;
  report(report: Report): void;
}

function setUp(processes: number) {
  const clock = new FakeClock();
  const children: FakeChild[] = [];
  const supervisor = new Supervisor({
    clock,
    log: silentLog,
    start(slot, report) {
      const { promise: ended, resolve } = Promise.withResolvers<number>();
      const told: Command["do"][] = [];
      const end = (code: number) => (resolve(code), settle());
      const child = {
        slot,
        told,
        ended,
        end,
        report,
        send: (each: Command) => told.push(each.do),
        kill: () => end(137),
      };
      children.push(child);
      return child;
    },
  }, processes);
  let code: number | undefined;
  supervisor.ended.then((ended) => code = ended);
  return { clock, children, supervisor, code: () => code };
}

const SERVING = { is: "serving", metrics: "127.0.0.1:1" } as const;

Deno.test("a process that ends is started again: later each time in a row, at most after half a minute, and for ever", async () => {
  const { clock, children, supervisor } = setUp(1);
  for (const child of children) child.report(SERVING);
  const waits: number[] = [];
  for (let i = 0; i < 12; i++) {
    const before = children.length;
    await children.at(-1)!.end(i % 2);
    const from = clock.monotonic();
    while (children.length === before) await clock.advance(250);
    waits.push(clock.monotonic() - from);
  }
  assertEquals(waits.slice(0, 9), [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  assertEquals([waits.at(-1), supervisor.processes.map(({ restarts }) => restarts)], [30_000, [12]]);
  children.at(-1)!.report(SERVING);
  await clock.advance(10_000);
  await children.at(-1)!.end(1);
  const before = children.length;
  await clock.advance(250);
  assertEquals(children.length, before + 1, "who has served for a while begins anew");
});

Deno.test("what can't start the first time is not started again; what can't later is", async () => {
  const first = setUp(2);
  await first.children[1]!.end(2);
  assertEquals([first.children[0]!.told, first.code()], [["stop"], undefined]);
  await first.children[0]!.end(0);
  await first.clock.advance(60_000);
  assertEquals([first.code(), first.children.length], [2, 2]);

  const later = setUp(2);
  later.children[0]!.report(SERVING);
  await later.children[1]!.end(2);
  await later.clock.advance(1_000);
  assertEquals([later.code(), later.children.length], [undefined, 3]);
});

Deno.test("told to stop it starts none again, waits for all, and says whether all ended well", async () => {
  const { clock, children, supervisor, code } = setUp(3);
  await children[0]!.end(1);
  supervisor.stop();
  await clock.advance(60_000);
  assertEquals([children.length, children[1]!.told], [3, ["stop"]]);
  await children[1]!.end(0);
  assertEquals(code(), undefined);
  await children[2]!.end(0);
  assertEquals(code(), 0);
  const { children: others, supervisor: other, code: otherCode } = setUp(1);
  other.stop();
  await others[0]!.end(1);
  assertEquals(otherCode(), 1);
});

Deno.test("who does not end when told to do so at once is killed", async () => {
  const { clock, children, supervisor, code } = setUp(2);
  supervisor.stop();
  supervisor.insist();
  assertEquals(children[0]!.told, ["stop", "stop", "insist"]);
  await children[0]!.end(1);
  await clock.advance(5_000);
  assertEquals(code(), 1);
  assertEquals(clock.pending, 0);
});

Deno.test("a reload waits for all that run, and for none that ends meanwhile", async () => {
  const { children, supervisor } = setUp(3);
  await children[2]!.end(1);
  const results = supervisor.reload();
  assertEquals(children.map(({ told }) => told), [["reload"], ["reload"], []]);
  children[0]!.report({ is: "reloaded", result: { kind: "applied", needsRestart: ["x"], warnings: [] } });
  await children[1]!.end(1);
  assertEquals([...(await results).entries()], [[1, { kind: "applied", needsRestart: ["x"], warnings: [] }]]);
  supervisor.stop();
});

Deno.test("a process that hangs is ended, and so started again; one that answers is not", async () => {
  const { clock, children, supervisor } = setUp(2);
  for (const child of children) child.report(SERVING);
  for (let i = 0; i < 3; i++) {
    await clock.advance(10_000);
    children[0]!.report({ is: "alive" });
  }
  assertEquals(children.map(({ told }) => told.length), [3, 3]);
  await clock.advance(9_999);
  assertEquals(children.length, 2);
  await clock.advance(251);
  assertEquals(children.map(({ slot }) => slot), [1, 2, 2]);
  supervisor.stop();
  for (const child of children) await child.end(0);
  assertEquals(clock.pending, 0);
});
