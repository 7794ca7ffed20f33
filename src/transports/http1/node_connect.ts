import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { connectFailure, type Connection, type ConnectResult, type Origin } from "./connection.ts";

/**
 * Opens connections with `node:net` and `node:tls`, for Node and what is compatible with it.
 *
 * @example
 * ```ts
 * import { createRelay } from "@relaymeter/relay";
 * import { nodeConnect } from "@relaymeter/relay/connect-node";
 *
 * await using _relay = createRelay({
 *   chainId: "ETH1",
 *   providers: [{ name: "a", nodeUrls: [{ url: "https://node.example" }] }],
 *   connect: nodeConnect,
 * });
 * ```
 */
export function nodeConnect({ hostname, port, tls }: Origin, signal: AbortSignal): Promise<ConnectResult> {
  const { promise, resolve } = Promise.withResolvers<ConnectResult>();
  const socket = tls === undefined ? connectTcp({ host: hostname, port, noDelay: true }) : connectTls({
    host: hostname,
    port,
    ALPNProtocols: ["http/1.1"],
    ...(isIP(hostname) === 0 && { servername: hostname }),
    ...(tls.caPem && { ca: tls.caPem }),
    ...(tls.certPem && tls.keyPem && { cert: tls.certPem, key: tls.keyPem }),
  });
  const onAbort = () => {
    socket.destroy();
    resolve(connectFailure(signal.reason));
  };
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  socket.once("error", (error) => resolve(connectFailure(error)));
  socket.once(tls === undefined ? "connect" : "secureConnect", () => {
    socket.setNoDelay(true);
    resolve({ kind: "connection", connection: new NodeConnection(socket), isWriteAtomic: false });
  });
  return promise.finally(() => signal.removeEventListener("abort", onAbort));
}

/** A socket of events as one that is read when bytes are wanted: what nobody reads stays with the other side. */
class NodeConnection implements Connection {
  readonly #socket: Socket;
  #rest: Uint8Array | undefined;
  #isEnded = false;
  #isBroken = false;
  #wake = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("readable", () => this.#wake());
    socket.on("end", () => {
      this.#isEnded = true;
      this.#wake();
    });
    socket.on("error", () => this.#isBroken = true);
    socket.on("close", () => {
      this.#isBroken ||= !this.#isEnded;
      this.#wake();
    });
  }

  async read(into: Uint8Array): Promise<number | null> {
    for (;;) {
      this.#rest ??= this.#socket.read() ?? undefined;
      if (this.#rest !== undefined) break;
      if (this.#isBroken) throw new Error("the connection is broken");
      if (this.#isEnded) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const part = this.#rest.subarray(0, into.length);
    into.set(part);
    this.#rest = part.length < this.#rest.length ? this.#rest.subarray(part.length) : undefined;
    return part.length;
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) =>
      this.#socket.write(bytes, (error) => error ? reject(error) : resolve(bytes.length))
    );
  }

  close(): void {
    this.#socket.destroy();
  }
}
