import { frame, OPCODES, RawSocket } from "./raw_socket.ts";

/** A client of a WebSocket by hand that counts what its socket is sent, to the last frame before the end. */
export class RawSubscriber {
  readonly project: string;
  readonly #socket: RawSocket;
  readonly #waiting = new Set<() => void>();
  #lastId = 0;
  /** Notifications so far. */
  deliveries = 0;
  /** Answers so far that have a result. */
  results = 0;
  /** Answers so far that have an error. */
  errors = 0;
  /** Whether the connection has ended. */
  isOver = false;

  private constructor(project: string, socket: RawSocket) {
    this.project = project;
    this.#socket = socket;
  }

  /** Connects to a relay for a project. Nothing is read until `read` is called. */
  static async open(url: string, project: string): Promise<RawSubscriber> {
    const socket = await RawSocket.open(url, { headers: { "project-id": project } });
    if (socket.status !== 101) throw new Error(`${project} was answered ${socket.status}`);
    return new RawSubscriber(project, socket);
  }

  /** Sends calls without waiting for their answers. */
  async send(method: string, params: readonly unknown[], times = 1): Promise<void> {
    const messages = Array.from({ length: times }, () => ({ jsonrpc: "2.0", id: ++this.#lastId, method, params }));
    await this.#socket.send(...messages.map((message) => frame(JSON.stringify(message))));
  }

  /** Reads to the end of the connection; comes back with the code that it was closed with, 0 for none. */
  async read(): Promise<number> {
    for (let code = 0;;) {
      const next = await this.#socket.read();
      if (next === undefined) return this.#end(code);
      if (next.opcode === OPCODES.close) {
        code = next.closeCode;
        await this.#socket.send(frame(next.payload, { opcode: OPCODES.close }));
      } else if (next.opcode === OPCODES.ping) {
        await this.#socket.send(frame(next.payload, { opcode: OPCODES.pong }));
      } else this.#count(next.text);
    }
  }

  /** Resolves when `isThere` holds; rejects when the connection ends before. */
  async until(isThere: (client: RawSubscriber) => boolean): Promise<void> {
    while (!isThere(this)) {
      if (this.isOver) throw new Error(`${this.project}: the connection ended after ${this.deliveries} deliveries`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
      this.#waiting.clear();
    }
  }

  /** Starts the closing handshake; what comes before the other side's answer is counted still. */
  async close(): Promise<void> {
    await this.#socket.send(frame(new Uint8Array([0x03, 0xe8]), { opcode: OPCODES.close }));
  }

  /** Goes away without a word: by a reset when something has come that was not read. */
  kill(): void {
    this.#socket.close();
  }

  #count(text: string): void {
    if (text.includes('"params"')) this.deliveries++;
    else if (text.includes('"result"')) this.results++;
    else this.errors++;
    this.#tell();
  }

  #end(code: number): number {
    this.isOver = true;
    this.#socket.close();
    this.#tell();
    return code;
  }

  #tell(): void {
    for (const resolve of [...this.#waiting]) resolve();
  }
}
