/** The lines of a process's output, read on even when nobody waits for one. */
export class TextLineStream {
  readonly ended: Promise<void>;
  readonly #lines: string[] = [];
  #isEnded = false;
  #wake = Promise.withResolvers<void>();

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.ended = this.#read(stream);
  }

  /** The first line that matches, of those that have come and those that will. */
  async matching(pattern: RegExp): Promise<RegExpExecArray> {
    for (let at = 0;; at++) {
      while (at >= this.#lines.length) {
        if (this.#isEnded) throw new Error(`the output ended without ${pattern}`);
        await this.#wake.promise;
      }
      const match = pattern.exec(this.#lines[at]!);
      if (match !== null) return match;
    }
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      this.#lines.push(...lines);
      this.#wake.resolve();
      this.#wake = Promise.withResolvers<void>();
    }
    this.#isEnded = true;
    this.#wake.resolve();
  }
}
