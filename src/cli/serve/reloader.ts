import type { Log } from "../../domain/log.ts";

/** How a reload ended. */
export type ReloadResult =
  | { readonly kind: "applied"; readonly needsRestart: readonly string[]; readonly warnings: readonly string[] }
  | { readonly kind: "refused"; readonly mistakes: readonly string[] }
  | { readonly kind: "stopping" };

/** Counts for metrics. */
export interface ReloadCounts {
  readonly applied: number;
  readonly refused: number;
  /** When one was applied last, or the process was started; a wall clock's milliseconds. */
  readonly lastAppliedUnixMs: number;
}

/** A change that can be made, as far as it matters here. */
interface Ready {
  readonly kind: "ready";
  readonly needsRestart: readonly string[];
}

interface Refused {
  readonly kind: "refused";
  readonly mistakes: readonly string[];
}

/** What a reloader works with. */
export interface ReloaderDeps<C extends Ready> {
  /** Reads the configuration anew and gets everything ready for it. */
  prepare(): Promise<{ readonly change: C | Refused; readonly warnings: readonly string[] }>;
  /** Makes a change. */
  apply(change: C): void;
  isStopping(): boolean;
  /** A wall clock. */
  now(): number;
  readonly log: Log;
}

/**
 * Reloads the configuration, one time after the other: while one is under way, all that are asked for are one more, which
 * begins when that has ended, and so sees what was written before it was asked for.
 */
export class Reloader<C extends Ready> {
  readonly #deps: ReloaderDeps<C>;
  #underWay: Promise<ReloadResult> | undefined;
  #next: Promise<ReloadResult> | undefined;
  #applied = 0;
  #refused = 0;
  #lastAppliedUnixMs: number;

  constructor(deps: ReloaderDeps<C>) {
    this.#deps = deps;
    this.#lastAppliedUnixMs = deps.now();
  }

  get counts(): ReloadCounts {
    return { applied: this.#applied, refused: this.#refused, lastAppliedUnixMs: this.#lastAppliedUnixMs };
  }

  /** Reloads; never rejects. `cause` is for the log. */
  reload(cause: string): Promise<ReloadResult> {
    if (this.#underWay === undefined) return this.#start(cause);
    this.#next ??= this.#underWay.then(() => {
      this.#next = undefined;
      return this.#start(cause);
    });
    return this.#next;
  }

  #start(cause: string): Promise<ReloadResult> {
    const run = this.#run(cause).finally(() => this.#underWay = undefined);
    return this.#underWay = run;
  }

  async #run(cause: string): Promise<ReloadResult> {
    const { prepare, apply, isStopping, now, log } = this.#deps;
    try {
      if (isStopping()) return this.#tooLate(cause);
      const { change, warnings } = await prepare();
      if (isStopping()) return this.#tooLate(cause);
      if (change.kind === "refused") return this.#refuse(cause, change.mistakes);
      apply(change);
      this.#applied++;
      this.#lastAppliedUnixMs = now();
      const { needsRestart } = change;
      for (const warning of warnings) log.warn(warning);
      log.info("the configuration has been reloaded", { cause, needs_restart: needsRestart.join("; ") });
      return { kind: "applied", needsRestart, warnings };
    } catch (error) {
      log.error("a reload failed by a mistake of the relay", { error: String(error) });
      return this.#refuse(cause, ["the relay made a mistake; its log says more"]);
    }
  }

  #refuse(cause: string, mistakes: readonly string[]): ReloadResult {
    this.#refused++;
    const fields = { cause, mistakes: mistakes.join("; ") };
    this.#deps.log.error("the configuration is refused, and the old one goes on", fields);
    return { kind: "refused", mistakes };
  }

  #tooLate(cause: string): ReloadResult {
    this.#deps.log.warn("nothing is reloaded any more: the relay is shutting down", { cause });
    return { kind: "stopping" };
  }
}
