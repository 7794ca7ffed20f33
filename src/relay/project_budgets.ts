import type { Clock } from "../domain/clock.ts";

/** How many compute units a project may use. */
export interface ProjectLimit {
  /** Its id; `*` for all the others together, which are told apart by a name that anybody can choose. */
  readonly project: string;
  /** Units in a second, on average over a second; default: no limit. */
  readonly unitsPerSecond?: number;
  /** Units in a day of UTC; default: no limit. */
  readonly unitsPerDay?: number;
}

/** Why a call has to wait. */
export interface OverBudget {
  /** Whose units are used up, and which. */
  readonly message: string;
  /** Milliseconds until there are some again. */
  readonly retryAfterMs: number;
}

const DAY_MS = 86_400_000;
const OTHERS = "*";
/** A unit, but for what is lost when fractions of it are added up. */
const A_UNIT = 1 - 1e-6;

/**
 * What each project may still use, of this process: several relays have a budget each, and a new process starts with
 * whole ones unless it is told what was used.
 *
 * A call may start while a unit of this second is left, and takes its whole price, so that one that costs more
 * than a second's units can be made, and is waited for afterwards. Of a day no more than its units are taken.
 *
 * @example
 * ```ts
 * import { ProjectBudgets, systemClock } from "@relaymeter/relay";
 *
 * const budgets = new ProjectBudgets([{ project: "acme", unitsPerDay: 100 }], systemClock);
 * if (budgets.take("acme", 100) !== undefined) throw new Error("there is enough");
 * if (budgets.take("acme", 1) === undefined) throw new Error("nothing is left");
 * ```
 */
export class ProjectBudgets {
  readonly #clock: Clock;
  readonly #accounts = new Map<string, Account>();

  /** Starts with everything left that the limits allow; a project stands among them once. */
  constructor(limits: readonly ProjectLimit[], clock: Clock) {
    this.#clock = clock;
    this.setLimits(limits);
  }

  /** Whether any project has a limit. */
  get hasLimits(): boolean {
    return this.#accounts.size > 0;
  }

  /** Changes the limits. What projects that keep one have used of the day, and of the second, stays counted. */
  setLimits(limits: readonly ProjectLimit[]): void {
    const previous = new Map(this.#accounts);
    this.#accounts.clear();
    for (const limit of limits) {
      const account = previous.get(limit.project);
      account?.setLimit(limit, this.#clock);
      this.#accounts.set(limit.project, account ?? new Account(limit, this.#clock));
    }
  }

  /** Takes units; comes back with why not, where there are none left, and takes none then. */
  take(project: string, units: number): OverBudget | undefined {
    return this.#accountOf(project)?.take(units, this.#clock);
  }

  /** Gives back units that were taken and not used; less than 0 takes more. */
  giveBack(project: string, units: number): void {
    if (units !== 0) this.#accountOf(project)?.giveBack(units);
  }

  /** Counts units that an earlier process has used on this day of UTC. */
  resumeDay(project: string, units: number): void {
    this.#accountOf(project)?.resumeDay(units);
  }

  #accountOf(project: string): Account | undefined {
    return (project === OTHERS ? undefined : this.#accounts.get(project)) ?? this.#accounts.get(OTHERS);
  }
}

class Account {
  #limit: ProjectLimit;
  /** Units left of the second; less than 0 when the last call cost more. */
  #leftOfSecond: number;
  #refilledAtMs: number;
  #usedOfDay = 0;
  #day: number;

  constructor(limit: ProjectLimit, clock: Clock) {
    this.#limit = limit;
    this.#leftOfSecond = limit.unitsPerSecond ?? 0;
    this.#refilledAtMs = clock.monotonic();
    this.#day = Math.floor(clock.now() / DAY_MS);
  }

  setLimit(limit: ProjectLimit, clock: Clock): void {
    const [before, after] = [this.#limit.unitsPerSecond, limit.unitsPerSecond];
    this.#limit = limit;
    if (before === after) return;
    // Without a limit nothing comes back either.
    this.#leftOfSecond = before === undefined ? after ?? 0 : Math.min(this.#leftOfSecond, after ?? 0);
    this.#refilledAtMs = clock.monotonic();
  }

  take(units: number, clock: Clock): OverBudget | undefined {
    const { project, unitsPerSecond, unitsPerDay } = this.#limit;
    const whose = project === OTHERS ? "projects without a budget of their own have" : `project ${project} has`;
    if (unitsPerDay !== undefined) {
      const nowMs = clock.now();
      const day = Math.floor(nowMs / DAY_MS);
      // A clock that steps back does not give a day twice.
      if (day > this.#day) {
        this.#day = day;
        this.#usedOfDay = 0;
      }
      if (this.#usedOfDay + units > unitsPerDay) {
        const retryAfterMs = (this.#day + 1) * DAY_MS - nowMs;
        return { message: `${whose} used the ${unitsPerDay} compute units of this day (UTC)`, retryAfterMs };
      }
    }
    if (unitsPerSecond !== undefined && units > 0) {
      const nowMs = clock.monotonic();
      const refill = (nowMs - this.#refilledAtMs) / 1000 * unitsPerSecond;
      this.#leftOfSecond = Math.min(unitsPerSecond, this.#leftOfSecond + refill);
      this.#refilledAtMs = nowMs;
      if (this.#leftOfSecond < A_UNIT) {
        const retryAfterMs = Math.ceil((1 - this.#leftOfSecond) / unitsPerSecond * 1000);
        return { message: `${whose} used ${unitsPerSecond} compute units a second`, retryAfterMs };
      }
    }
    this.#leftOfSecond -= units;
    this.#usedOfDay += units;
    return undefined;
  }

  resumeDay(units: number): void {
    this.#usedOfDay += units;
  }

  giveBack(units: number): void {
    this.#leftOfSecond += units;
    this.#usedOfDay = Math.max(0, this.#usedOfDay - units);
  }
}
