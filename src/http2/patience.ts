import type { Clock } from "../domain/clock.ts";
import { FloodGuard } from "./flood_guard.ts";
import { flood } from "./frame_checks.ts";

/** Resets and the like that a client may cause in one go, and by the second. */
const RESET_BURST = 1_000;
const RESETS_PER_SECOND = 33;
/** Frames that mean work and no progress: PING, SETTINGS, empty DATA, and so on. */
const NUISANCE_BURST = 2_000;
const NUISANCES_PER_SECOND = 100;

/** How much a connection bears of a peer that makes work for nothing. */
export class Patience {
  readonly #resets: FloodGuard;
  readonly #nuisances: FloodGuard;

  constructor(clock: Clock) {
    this.#resets = new FloodGuard(clock, RESET_BURST, RESETS_PER_SECOND);
    this.#nuisances = new FloodGuard(clock, NUISANCE_BURST, NUISANCES_PER_SECOND);
  }

  /** A frame that means work and no progress. Throws when there have been too many. */
  countNuisance(): void {
    if (!this.#nuisances.spend()) throw flood();
  }

  /** A request that was reset before its answer, which costs a client nothing and a server much. Throws as well. */
  countReset(): void {
    if (!this.#resets.spend()) throw flood();
  }

  /** Something useful came, or was sent: so many frames about it are no nuisance. */
  allowFrames(count: number): void {
    this.#nuisances.earn(count);
  }

  /** A request was answered. */
  allowReset(): void {
    this.#resets.earn(1);
  }
}
