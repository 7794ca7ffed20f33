import type { Clock } from "../../domain/clock.ts";
import type { Log } from "../../domain/log.ts";
import type { ExitCode } from "../exit_code.ts";
import type { ReloadResult } from "../serve/reloader.ts";
import type { ChildProcess } from "./child_process.ts";
import type { Command, Report } from "./messages.ts";

/** What a supervisor works with. */
export interface SupervisorDeps {
  /** Starts the process of a slot. */
  start(slot: number, onReport: (report: Report) => void): ChildProcess;
  readonly clock: Clock;
  readonly log: Log;
}

/** A process, as those see it who ask about it. */
export interface ProcessState {
  /** From 1. */
  readonly slot: number;
  /** Whether its listeners are open. */
  readonly isServing: boolean;
  /** Where its metrics are, as `host:port`; empty for nowhere. */
  readonly metrics: string;
  /** How often it was started again. */
  readonly restarts: number;
}

interface Slot extends ProcessState {
  isServing: boolean;
  metrics: string;
  restarts: number;
  child: ChildProcess | undefined;
  /** Ends without a time of service between them. */
  failures: number;
  servingSinceMs: number;
  hasServed: boolean;
  cancelRestart: () => void;
  /** Questions in a row that it has not answered. */
  unanswered: number;
  cancelQuestion: () => void;
  /** Who waits for the result of a reload, the first one longest. */
  readonly reloads: ((result: ReloadResult | undefined) => void)[];
}

const FIRST_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 30_000;
/** A process that has served for so long has not ended because of how it started. */
const STABLE_MS = 10_000;
/** How often processes are asked whether they are there, and how many questions in a row may go unanswered. */
const QUESTION_MS = 10_000;
const MAX_UNANSWERED = 3;
/** How long processes may take to end that have been told to do so at once. */
const INSIST_MS = 5_000;

/**
 * Keeps several processes running until it is told to stop: one that ends is started again, later each time in a row, and
 * one that hangs is ended first.
 */
export class Supervisor {
  readonly #deps: SupervisorDeps;
  readonly #slots: readonly Slot[];
  readonly #ended = Promise.withResolvers<ExitCode>();
  #exitCode: ExitCode = 0;
  #isStopping = false;

  /** Starts them at once. */
  constructor(deps: SupervisorDeps, processes: number) {
    this.#deps = deps;
    this.#slots = Array.from({ length: processes }, (_, index): Slot => ({
      slot: index + 1,
      isServing: false,
      metrics: "",
      restarts: 0,
      child: undefined,
      failures: 0,
      servingSinceMs: 0,
      hasServed: false,
      cancelRestart: () => {},
      unanswered: 0,
      cancelQuestion: () => {},
      reloads: [],
    }));
    for (const slot of this.#slots) this.#start(slot);
  }

  /** The exit code, when all have ended after they were told to. */
  get ended(): Promise<ExitCode> {
    return this.#ended.promise;
  }

  get processes(): readonly ProcessState[] {
    return this.#slots;
  }

  /** Asks all to end in good order, and starts none again. */
  stop(): void {
    this.#isStopping = true;
    for (const slot of this.#slots) slot.cancelRestart();
    this.#tell({ do: "stop" });
    this.#endIfNoneRuns();
  }

  /** Has all end at once. */
  insist(): void {
    this.stop();
    this.#tell({ do: "insist" });
    const cancel = this.#deps.clock.schedule(INSIST_MS, () => {
      for (const { child } of this.#slots) child?.kill();
    });
    this.ended.then(cancel);
  }

  /** Has all reload; comes back with their results, by slot. One that is starting reads the new configuration anyway. */
  async reload(): Promise<ReadonlyMap<number, ReloadResult>> {
    const results = await Promise.all(
      this.#slots.filter(({ child }) => child !== undefined).map(async (slot) => {
        const { promise, resolve } = Promise.withResolvers<ReloadResult | undefined>();
        slot.reloads.push(resolve);
        slot.child!.send({ do: "reload" });
        return [slot.slot, await promise] as const;
      }),
    );
    return new Map(results.flatMap(([slot, result]) => result === undefined ? [] : [[slot, result]]));
  }

  #tell(command: Command): void {
    for (const { child } of this.#slots) child?.send(command);
  }

  #start(slot: Slot): void {
    const { start, clock, log } = this.#deps;
    const child = slot.child = start(slot.slot, (report) => {
      if (slot.child !== child) return;
      slot.unanswered = 0;
      if (report.is === "alive") return;
      if (report.is === "reloaded") return slot.reloads.shift()?.(report.result);
      slot.isServing = slot.hasServed = true;
      slot.metrics = report.metrics;
      slot.servingSinceMs = clock.monotonic();
      log.info("a process serves", { process: slot.slot });
      this.#watch(slot, child);
    });
    child.ended.then((code) => this.#onEnd(slot, code));
  }

  /** Ends a process that does not answer: the kernel would go on giving it connections. */
  #watch(slot: Slot, child: ChildProcess): void {
    const { clock, log } = this.#deps;
    slot.unanswered = 0;
    const ask = () => {
      if (slot.unanswered >= MAX_UNANSWERED) {
        log.error("a process hangs and is ended", { process: slot.slot });
        return child.kill();
      }
      slot.unanswered++;
      child.send({ do: "answer" });
      slot.cancelQuestion = clock.schedule(QUESTION_MS, ask);
    };
    slot.cancelQuestion = clock.schedule(QUESTION_MS, ask);
  }

  #onEnd(slot: Slot, code: number): void {
    const { clock, log } = this.#deps;
    slot.cancelQuestion();
    const hasBeenStable = slot.isServing && clock.monotonic() - slot.servingSinceMs >= STABLE_MS;
    slot.child = undefined;
    slot.isServing = false;
    slot.metrics = "";
    for (const resolve of slot.reloads.splice(0)) resolve(undefined);
    if (this.#isStopping) {
      if (code !== 0) this.#exitCode = this.#exitCode === 2 ? 2 : 1;
      return this.#endIfNoneRuns();
    }
    // What is wrong with the first start of all would be wrong with the next.
    if (code === 2 && !this.#slots.some(({ hasServed }) => hasServed)) {
      log.error("a process can't start", { process: slot.slot, exit_code: code });
      this.#exitCode = 2;
      return this.stop();
    }
    slot.failures = hasBeenStable ? 0 : slot.failures + 1;
    const delayMs = Math.min(FIRST_BACKOFF_MS * 2 ** Math.max(0, slot.failures - 1), MAX_BACKOFF_MS);
    log.error("a process has ended and is started again", {
      process: slot.slot,
      exit_code: code,
      in_ms: delayMs,
      in_a_row: slot.failures,
    });
    slot.cancelRestart = clock.schedule(delayMs, () => {
      slot.restarts++;
      this.#start(slot);
    });
  }

  #endIfNoneRuns(): void {
    if (this.#slots.every(({ child }) => child === undefined)) this.#ended.resolve(this.#exitCode);
  }
}
