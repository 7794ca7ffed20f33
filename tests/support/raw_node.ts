/** A node that answers with bytes instead of HTTP. */

/** What happens on each connection, in turn: the last goes on for all that follow. */
export type Act = (connection: RawPeer) => Promise<void>;

/** A node on a socket of which the test says every byte. */
export interface RawNode extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Connections so far. */
  readonly accepted: number;
  /** Connections that are open on this side. */
  readonly open: number;
}

/** The node's end of one connection. */
export class RawPeer {
  readonly #connection: Deno.TcpConn;
  #text = "";

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** The next request's head and body; undefined when the other side has ended. */
  async request(): Promise<string | undefined> {
    for (;;) {
      const head = this.#text.indexOf("\r\n\r\n");
      if (head >= 0) {
        const length = Number(/content-length: (\d+)/.exec(this.#text.slice(0, head))?.[1] ?? 0);
        const end = head + 4 + length;
        if (this.#text.length >= end) {
          const request = this.#text.slice(0, end);
          this.#text = this.#text.slice(end);
          return request;
        }
      }
      const buffer = new Uint8Array(65_536);
      const count = await this.#connection.read(buffer);
      if (count === null) return undefined;
      this.#text += String.fromCharCode(...buffer.subarray(0, count));
    }
  }

  async write(text: string): Promise<void> {
    await this.#write(Uint8Array.from(text, (char) => char.charCodeAt(0)));
  }

  /** Writes a text again and again; rejects when the other side has had enough. */
  async writeForEver(text: string): Promise<never> {
    const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
    for (;;) await this.#write(bytes);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    while (bytes.length > 0) bytes = bytes.subarray(await this.#connection.write(bytes));
  }

  /** Ends its own direction only. */
  async endWriting(): Promise<void> {
    await this.#connection.closeWrite();
  }

  /**
   * Sends a text in place of an answer, and resets the connection: what is closed before everything was read is. The act
   * must not have read anything, and end with this.
   */
  async reset(text = ""): Promise<void> {
    await this.#connection.read(new Uint8Array(1));
    await this.write(text);
  }

  /** Comes back when the other side has ended the connection. */
  async ended(): Promise<void> {
    while (await this.#connection.read(new Uint8Array(65_536)) !== null);
  }
}

/** Starts a node; each connection is closed when its act is over. */
export function startRawNode(...acts: readonly Act[]): RawNode {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const open = new Set<Deno.TcpConn>();
  const playing = new Set<Promise<void>>();
  let accepted = 0;
  const play = async (connection: Deno.TcpConn, act: Act) => {
    try {
      await act(new RawPeer(connection));
    } catch {
      // The other side was faster.
    } finally {
      open.delete(connection);
      try {
        connection.close();
      } catch {
        // The test has ended it.
      }
    }
  };
  const accepting = (async () => {
    for await (const connection of listener) {
      open.add(connection);
      const act = acts[Math.min(accepted++, acts.length - 1)]!;
      const played = play(connection, act).then(() => void playing.delete(played));
      playing.add(played);
    }
  })();
  return {
    url: `http://127.0.0.1:${port}/`,
    port,
    get accepted() {
      return accepted;
    },
    get open() {
      return open.size;
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      for (const connection of open) connection.close();
      await Promise.all(playing);
    },
  };
}
