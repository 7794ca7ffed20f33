/** HTTP/1.1 by hand on the side of the server: whoever answers has the connection, and may do with it what it likes. */

/** A request as it came over the wire. */
export interface Http1Request {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  /** Reads the body; throws when the client goes away before its end. */
  readBody(): Promise<Uint8Array<ArrayBuffer>>;
}

/** The server's end of one connection. */
export class Http1Connection {
  readonly #connection: Deno.TcpConn;
  #rest: Uint8Array<ArrayBuffer> = new Uint8Array();

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** The next request's head; undefined when the client has gone. */
  async readRequest(): Promise<Http1Request | undefined> {
    const requestLine = await this.#line();
    if (requestLine === undefined) return undefined;
    const [method = "", path = ""] = requestLine.split(" ");
    const headers = new Headers();
    for (let line = await this.#line(); line !== ""; line = await this.#line()) {
      if (line === undefined) return undefined;
      headers.append(line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1));
    }
    const isChunked = headers.get("transfer-encoding") === "chunked";
    const length = Number(headers.get("content-length") ?? 0);
    return { method, path, headers, readBody: () => isChunked ? this.#chunks() : this.#exactly(length) };
  }

  /** Writes a text, or bytes. Throws when the client has gone. */
  async write(part: string | Uint8Array): Promise<void> {
    let bytes = typeof part === "string" ? new TextEncoder().encode(part) : part;
    while (bytes.length > 0) bytes = bytes.subarray(await this.#connection.write(bytes));
  }

  /** Closes it; safe to call twice. */
  close(): void {
    try {
      this.#connection.close();
    } catch {
      // It is closed already.
    }
  }

  async #line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#rest.indexOf(10);
      if (end >= 0) {
        const line = new TextDecoder("latin1").decode(this.#rest.subarray(0, end));
        this.#rest = this.#rest.subarray(end + 1);
        return line.endsWith("\r") ? line.slice(0, -1) : line;
      }
      if (this.#rest.length > 65_536) throw new Error("a head over 64 KiB");
      const chunk = new Uint8Array(65_536);
      const count = await this.#connection.read(chunk);
      if (count === null) return undefined;
      const joined = new Uint8Array(this.#rest.length + count);
      joined.set(this.#rest);
      joined.set(chunk.subarray(0, count), this.#rest.length);
      this.#rest = joined;
    }
  }

  async #exactly(length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length);
    const known = this.#rest.subarray(0, length);
    bytes.set(known);
    this.#rest = this.#rest.subarray(known.length);
    for (let at = known.length; at < length;) {
      const count = await this.#connection.read(bytes.subarray(at));
      if (count === null) throw new Error("the client went away in the middle of a body");
      at += count;
    }
    return bytes;
  }

  async #chunks(): Promise<Uint8Array<ArrayBuffer>> {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    for (;;) {
      const size = parseInt(await this.#line() ?? "0", 16);
      const chunk = await this.#exactly(size);
      await this.#line();
      if (size === 0) return new Uint8Array(await new Blob(chunks).arrayBuffer());
      chunks.push(chunk);
    }
  }
}
