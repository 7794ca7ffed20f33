import type { Connect, Connection } from "../../src/transports/http1/connection.ts";

/** A write that the test lets come back when it wants. */
export interface HeldWrite {
  readonly text: string;
  /** It is over, for all bytes or for the first `count` of them. */
  settle(count?: number): void;
  fail(): void;
}

/** A connection of which the test says in what order the runtime tells of things. */
export class HeldConnection implements Connection {
  readonly #writes: HeldWrite[] = [];
  readonly #arrived: Uint8Array[] = [];
  #wakeWriter = () => {};
  #wakeReader = () => {};
  isClosed = false;

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#arrived.length === 0) {
      if (this.isClosed) throw new Error("it is closed");
      await new Promise<void>((resolve) => this.#wakeReader = resolve);
    }
    const bytes = this.#arrived.shift()!;
    into.set(bytes);
    return bytes.length;
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#writes.push({
        text: new TextDecoder().decode(bytes),
        settle: (count = bytes.length) => resolve(count),
        fail: () => reject(new Error("it is broken")),
      });
      this.#wakeWriter();
    });
  }

  close(): void {
    this.isClosed = true;
    this.#wakeReader();
  }

  /** The next write that was begun. */
  async nextWrite(): Promise<HeldWrite> {
    while (this.#writes.length === 0) await new Promise<void>((resolve) => this.#wakeWriter = resolve);
    return this.#writes.shift()!;
  }

  /** The node's bytes arrive. */
  arrive(text: string): void {
    this.#arrived.push(new TextEncoder().encode(text));
    this.#wakeReader();
  }
}

/** Hands out these connections in turn. */
export function connectTo(...connections: readonly HeldConnection[]): Connect {
  const left = [...connections];
  return () => {
    const connection = left.shift();
    if (connection === undefined) throw new Error("nobody expected another connection");
    return Promise.resolve({ kind: "connection", connection, isWriteAtomic: true });
  };
}
