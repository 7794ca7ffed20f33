/** HTTP/1.1 by hand, for requests that no client library would send. */

/** A response as it came over the wire. */
export interface RawResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** One connection to a listener on loopback. */
export class RawConnection implements Disposable {
  readonly #connection: Deno.TcpConn;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** Connects to the listener of a URL. */
  static async open(url: string): Promise<RawConnection> {
    return new RawConnection(await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(url).port) }));
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
      if (!(error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset)) throw error;
    }
  }

  /** Reads one response: its head, and as many bytes as the head announces. */
  async read(): Promise<RawResponse> {
    let received = "";
    while (!received.includes("\r\n\r\n")) received += await this.#chunk();
    const headEnd = received.indexOf("\r\n\r\n") + 4;
    const [statusLine = "", ...lines] = received.slice(0, headEnd - 4).split("\r\n");
    const headers = new Headers();
    for (const line of lines) headers.append(line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1));
    const length = Number(headers.get("content-length") ?? 0);
    while (received.length - headEnd < length) received += await this.#chunk();
    return { status: Number(statusLine.split(" ")[1]), headers, text: received.slice(headEnd, headEnd + length) };
  }

  /** One character for each byte. */
  async #chunk(): Promise<string> {
    const buffer = new Uint8Array(16_384);
    const count = await this.#connection.read(buffer);
    if (count === null) throw new Error("the connection was closed before a whole response");
    return String.fromCharCode(...buffer.subarray(0, count));
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

/** Sends a request by hand and reads its response. */
export async function exchange(url: string, ...parts: readonly (string | Uint8Array)[]): Promise<RawResponse> {
  using connection = await RawConnection.open(url);
  const writing = connection.write(...parts);
  const response = await connection.read();
  await writing;
  return response;
}
