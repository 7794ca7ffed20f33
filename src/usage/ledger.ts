import { type DropReason, emptyCounts, type LedgerCounts } from "./usage_sink.ts";

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };
type Counts = Mutable<Omit<LedgerCounts, "dropped">> & { readonly dropped: Record<DropReason, number> };

/** Books every event of one kind: each method is one step that keeps the equation of {@linkcode LedgerCounts}. */
export class Ledger {
  readonly #counts: Counts = emptyCounts() as Counts;

  /** A new event waits in memory. */
  queue(): void {
    this.#counts.accepted++;
    this.#counts.queued++;
  }

  /** A new event is given up at once. */
  refuse(reason: DropReason): void {
    this.#counts.accepted++;
    this.#counts.dropped[reason]++;
  }

  /** Events that waited in memory are on their way. */
  send(count: number): void {
    this.#counts.queued -= count;
    this.#counts.inFlight += count;
  }

  /** The collector has acknowledged events that were on their way. */
  acknowledge(count: number): void {
    this.#counts.inFlight -= count;
    this.#counts.exported += count;
  }

  /** Events that were on their way are given up. */
  drop(count: number, reason: DropReason): void {
    this.#counts.inFlight -= count;
    this.#counts.dropped[reason] += count;
  }

  /** Events that waited in memory are on disk. */
  spool(count: number): void {
    this.#counts.queued -= count;
    this.#counts.spooled += count;
  }

  /** Events that waited on disk are on their way. */
  sendSpooled(count: number): void {
    this.#counts.spooled -= count;
    this.#counts.inFlight += count;
  }

  /** Events that were on their way wait on disk again. */
  respool(count: number): void {
    this.#counts.inFlight -= count;
    this.#counts.spooled += count;
  }

  /** Events that an earlier process has accepted wait on disk, and are this one's to deliver. */
  adopt(count: number): void {
    this.#counts.accepted += count;
    this.#counts.spooled += count;
  }

  /** Events that waited in memory are given up. */
  dropQueued(count: number, reason: DropReason): void {
    this.#counts.queued -= count;
    this.#counts.dropped[reason] += count;
  }

  /** Events given up for that reason so far. */
  dropped(reason: DropReason): number {
    return this.#counts.dropped[reason];
  }

  /** The counts at this moment. */
  stats(): LedgerCounts {
    return { ...this.#counts, dropped: { ...this.#counts.dropped } };
  }
}
