/** HTTP/1.1 by hand, for requests that no client library would send. */

/** A response as it came over the wire. */
export interface RawResponse {
  readonly status: number;
  readonly headers: Headers;
  /** One character for each byte of the body. */
  readonly text: string;
}

/** What a response answers. */
export interface ReadOptions {
  /** A request of HEAD: whatever the response announces, no body follows. */
  readonly isHead?: boolean;
  /** Takes interim responses, such as 100, for responses; by default they are passed over. */
  readonly takesInterim?: boolean;
}

/** One connection to a listener on loopback. */
export class RawConnection implements Disposable {
  readonly #connection: Deno.TcpConn;
  /** What has come and was not read. */
  #received = "";
  #isClosed = false;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** Connects to the listener of a URL. */
  static async open(url: string): Promise<RawConnection> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(url).port) });
    connection.setNoDelay();
    return new RawConnection(connection);
  }

  /** Writes texts as UTF-8, and bytes as they are. Stops when the other side takes no more. */
  async write(...parts: readonly (string | Uint8Array)[]): Promise<void> {
    try {
      for (const part of parts) {
        let bytes = typeof part === "string" ? new TextEncoder().encode(part) : part;
        while (bytes.length > 0) bytes = bytes.subarray(await this.#connection.write(bytes));
      }
    } catch (error) {
      // A server may answer and close before it has read everything.
      if (!isGone(error)) throw error;
    }
  }

  /** Says that nothing more will be written. */
  async endWriting(): Promise<void> {
    try {
      await this.#connection.closeWrite();
    } catch (error) {
      if (!(isGone(error) || error instanceof Deno.errors.NotConnected)) throw error;
    }
  }

  /** Reads one response. Throws when the connection ends before it is whole. */
  async read({ isHead = false, takesInterim = false }: ReadOptions = {}): Promise<RawResponse> {
    const head = await this.#upTo("\r\n\r\n");
    const [statusLine = "", ...lines] = head.slice(0, -4).split("\r\n");
    const status = Number(statusLine.split(" ")[1]);
    if (status >= 100 && status < 200 && status !== 101 && !takesInterim) return await this.read({ isHead });
    const headers = new Headers();
    for (const line of lines) headers.append(line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1));
    const hasBody = !isHead && status >= 200 && status !== 204 && status !== 304;
    const isChunked = headers.get("transfer-encoding") === "chunked";
    const length = Number(headers.get("content-length") ?? 0);
    const text = !hasBody ? "" : isChunked ? await this.#chunks() : await this.#exactly(length);
    return { status, headers, text };
  }

  /** Reads whatever comes until the other side ends the connection, in whatever way. */
  async readToEnd(): Promise<string> {
    while (await this.#more());
    const all = this.#received;
    this.#received = "";
    return all;
  }

  async #upTo(end: string): Promise<string> {
    while (!this.#received.includes(end)) await this.#need();
    return this.#take(this.#received.indexOf(end) + end.length);
  }

  async #exactly(length: number): Promise<string> {
    while (this.#received.length < length) await this.#need();
    return this.#take(length);
  }

  async #chunks(): Promise<string> {
    let text = "";
    for (;;) {
      const size = parseInt(await this.#upTo("\r\n"), 16);
      const chunk = await this.#exactly(size + 2);
      if (size === 0) return text;
      text += chunk.slice(0, -2);
    }
  }

  #take(length: number): string {
    const taken = this.#received.slice(0, length);
    this.#received = this.#received.slice(length);
    return taken;
  }

  async #need(): Promise<void> {
    if (!await this.#more()) throw new Error("the connection was closed before a whole response");
  }

  async #more(): Promise<boolean> {
    const buffer = new Uint8Array(65_536);
    try {
      const count = await this.#connection.read(buffer);
      if (count !== null) this.#received += textOf(buffer.subarray(0, count));
      return count !== null;
    } catch (error) {
      if (this.#isClosed || isGone(error)) return false;
      throw error;
    }
  }

  /** Ends the connection, by a reset when something has come that was not read. */
  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connection.close();
  }
}

/** One character for each byte; `TextDecoder` has another idea of what is called latin1. */
function textOf(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8_192) text += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  return text;
}

function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.ConnectionAborted;
}

/** Sends a request by hand and reads its response. */
export async function exchange(url: string, ...parts: readonly (string | Uint8Array)[]): Promise<RawResponse> {
  using connection = await RawConnection.open(url);
  const writing = connection.write(...parts);
  const response = await connection.read();
  await writing;
  return response;
}
