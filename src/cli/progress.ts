import { printError, write } from "./terminal.ts";

/** At most one change of the line in this time, milliseconds. */
const INTERVAL_MS = 200;
const QUIET_MS = 1_000;

/** Says on a terminal how far long work is, on one line that is wiped out at the end. Elsewhere it says nothing. */
export class Progress implements Disposable {
  readonly #isShown = Deno.stderr.isTerminal();
  readonly #startMs = performance.now();
  #lastMs = 0;
  #hasWritten = false;

  /** How much has been done, from 0 to 1. */
  update(share: number): void {
    const nowMs = performance.now();
    if (!this.#isShown || nowMs - this.#startMs < QUIET_MS || nowMs - this.#lastMs < INTERVAL_MS) return;
    this.#lastMs = nowMs;
    this.#hasWritten = true;
    write(Deno.stderr, `\rreading: ${Math.floor(share * 100)} %`);
  }

  /** Prints a line, above which the progress is gone. */
  note(text: string): void {
    this[Symbol.dispose]();
    printError(text);
  }

  [Symbol.dispose](): void {
    if (this.#hasWritten) write(Deno.stderr, "\r\x1b[K");
    this.#hasWritten = false;
  }
}
