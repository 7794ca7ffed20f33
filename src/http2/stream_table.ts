import type { ConnectionStream } from "./connection_stream.ts";
import { MAX_31_BITS } from "./frame.ts";

/** Streams that ended a moment ago, of which frames may still be under way. */
const MAX_REMEMBERED = 1_000;

/** The streams of a connection: those that are open, and what has to be known of those that were. */
export class StreamTable {
  readonly #isServer: boolean;
  readonly #open = new Map<number, ConnectionStream>();
  /** Ids that this side reset: what the peer had sent before it knew is passed over. */
  readonly #resetHere = new Set<number>();
  #nextId = 1;
  #lastPeerId = 0;
  #lastTakenId = 0;
  /** Peer's streams beyond this id are not taken. */
  #maxTakenId = MAX_31_BITS;

  constructor(isServer: boolean) {
    this.#isServer = isServer;
  }

  get size(): number {
    return this.#open.size;
  }

  /** The peer's last stream that was taken in; 0 for none. */
  get lastTakenId(): number {
    return this.#lastTakenId;
  }

  /** Whether this side has ids left. */
  get hasNextId(): boolean {
    return this.#nextId < MAX_31_BITS;
  }

  get(id: number): ConnectionStream | undefined {
    return this.#open.get(id);
  }

  /** Those that are open now, for a walk during which some may end. */
  list(): ConnectionStream[] {
    return [...this.#open.values()];
  }

  add(stream: ConnectionStream): void {
    this.#open.set(stream.id, stream);
  }

  delete(stream: ConnectionStream): void {
    this.#open.delete(stream.id);
  }

  /** The id of the next stream of this side. */
  takeNextId(): number {
    const id = this.#nextId;
    this.#nextId += 2;
    return id;
  }

  /** Takes note of a stream that the peer opens; false when it came after the last one that is taken. */
  takePeerId(id: number): boolean {
    this.#lastPeerId = id;
    if (id > this.#maxTakenId) return false;
    this.#lastTakenId = id;
    return true;
  }

  /** Takes no streams of the peer from now on. */
  takeNoMore(): void {
    this.#maxTakenId = this.#lastTakenId;
  }

  /** Whether the stream was never opened, by whichever side it belongs to. */
  isIdle(id: number): boolean {
    const isOfPeer = (id & 1) === (this.#isServer ? 1 : 0);
    return isOfPeer ? id > this.#lastPeerId : id >= this.#nextId;
  }

  /** Takes note of a stream that this side has reset. */
  rememberReset(id: number): void {
    this.#resetHere.add(id);
    if (this.#resetHere.size > MAX_REMEMBERED) this.#resetHere.delete(this.#resetHere.values().next().value!);
  }

  wasResetHere(id: number): boolean {
    return this.#resetHere.has(id);
  }
}
