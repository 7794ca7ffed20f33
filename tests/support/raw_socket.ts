/** WebSockets by hand, for frames that no client library would send. */

/** What a frame is. */
export const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** How a frame differs from one whole masked text message. */
export interface FrameOptions {
  readonly opcode?: number;
  /** Whether it is the last one of its message. */
  readonly isLast?: boolean;
  readonly isMasked?: boolean;
  /** The three bits that no extension has been agreed on for, as they stand in the first byte. */
  readonly reservedBits?: number;
  /** The length that it claims to have. */
  readonly length?: number;
}

/** A frame as a client sends it. The mask is zeros, which leaves the payload as it is. */
export function frame(payload: string | Uint8Array, options: FrameOptions = {}): Uint8Array<ArrayBuffer> {
  const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  const { opcode = OPCODES.text, isLast = true, isMasked = true, reservedBits = 0, length = bytes.length } = options;
  const head = new DataView(new ArrayBuffer(14));
  head.setUint8(0, (isLast ? 0x80 : 0) | reservedBits | opcode);
  const maskBit = isMasked ? 0x80 : 0;
  let headLength = 2;
  if (length < 126) head.setUint8(1, maskBit | length);
  else if (length < 65_536) {
    head.setUint8(1, maskBit | 126);
    head.setUint16(2, length);
    headLength = 4;
  } else {
    head.setUint8(1, maskBit | 127);
    head.setBigUint64(2, BigInt(length));
    headLength = 10;
  }
  if (isMasked) headLength += 4;
  const all = new Uint8Array(headLength + bytes.length);
  all.set(new Uint8Array(head.buffer, 0, headLength));
  all.set(bytes, headLength);
  return all;
}

/** A frame as it came. */
export interface ReceivedFrame {
  readonly opcode: number;
  readonly payload: Uint8Array;
  /** The payload as text. */
  readonly text: string;
  /** The code of a frame that closes; 0 of others. */
  readonly closeCode: number;
}

/** One connection to a listener on loopback, on which nothing is read that is not asked for. */
export class RawSocket implements Disposable {
  readonly #connection: Deno.TcpConn;
  #received = new Uint8Array(0);
  #isClosed = false;
  /** Status of the answer to the handshake. */
  status = 0;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** Connects and sends the handshake; reads its answer unless `isSilent`. */
  static async open(
    url: string,
    { headers = {}, isSilent = false }: { headers?: Record<string, string>; isSilent?: boolean } = {},
  ): Promise<RawSocket> {
    const { port, pathname } = new URL(url);
    const socket = new RawSocket(await Deno.connect({ hostname: "127.0.0.1", port: Number(port) }));
    const lines = Object.entries({
      "host": "relay",
      "upgrade": "websocket",
      "connection": "Upgrade",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      ...headers,
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    await socket.send(new TextEncoder().encode(`GET ${pathname} HTTP/1.1\r\n${lines.join("")}\r\n`));
    if (!isSilent) await socket.#readHead();
    return socket;
  }

  /** Sends bytes as they are; false when the other side takes no more, or this one has closed. */
  async send(...parts: readonly Uint8Array[]): Promise<boolean> {
    if (this.#isClosed) return false;
    try {
      for (let bytes of parts) while (bytes.length > 0) bytes = bytes.subarray(await this.#connection.write(bytes));
      return true;
    } catch (error) {
      if (this.#isClosed || error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset) {
        return false;
      }
      throw error;
    }
  }

  /** The next frame; undefined when the connection has ended. */
  async read(): Promise<ReceivedFrame | undefined> {
    if (!await this.#fill(2)) return undefined;
    const short = this.#received[1]! & 0x7f;
    const headLength = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (!await this.#fill(headLength)) return undefined;
    const view = new DataView(this.#received.buffer, this.#received.byteOffset);
    const length = short < 126 ? short : short === 126 ? view.getUint16(2) : Number(view.getBigUint64(2));
    if (!await this.#fill(headLength + length)) return undefined;
    const opcode = this.#received[0]! & 0x0f;
    const payload = this.#received.slice(headLength, headLength + length);
    this.#received = this.#received.subarray(headLength + length);
    const isClose = opcode === OPCODES.close && payload.length >= 2;
    return {
      opcode,
      payload,
      text: new TextDecoder().decode(payload),
      closeCode: isClose ? payload[0]! << 8 | payload[1]! : 0,
    };
  }

  /** The next message, parsed. */
  async json(): Promise<{ id?: unknown; result?: unknown; error?: { code: number; message: string } }> {
    let next = await this.read();
    while (next?.opcode === OPCODES.ping) next = await this.read();
    if (next?.opcode !== OPCODES.text) throw new Error(`no message came, but ${next?.opcode} ${next?.closeCode}`);
    return JSON.parse(next.text);
  }

  /** Reads until the other side closes; comes back with its code, 0 when it has sent none. */
  async ended(): Promise<number> {
    for (let next = await this.read(); next !== undefined; next = await this.read()) {
      if (next.opcode === OPCODES.close) return next.closeCode;
    }
    return 0;
  }

  async #readHead(): Promise<void> {
    const end = "\r\n\r\n";
    let text = "";
    while (!text.includes(end) && await this.#fill(this.#received.length + 1)) {
      text = String.fromCharCode(...this.#received);
    }
    this.status = Number(text.split(" ")[1] ?? 0);
    this.#received = this.#received.subarray(text.indexOf(end) + end.length);
  }

  /** Reads until so many bytes are there; false when the connection ends before. */
  async #fill(count: number): Promise<boolean> {
    while (this.#received.length < count) {
      const chunk = new Uint8Array(65_536);
      const length = await this.#connection.read(chunk).catch(() => null);
      if (length === null) return false;
      const all = new Uint8Array(this.#received.length + length);
      all.set(this.#received);
      all.set(chunk.subarray(0, length), this.#received.length);
      this.#received = all;
    }
    return true;
  }

  /** Ends the connection, by a reset when something has come that was not read. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
