import type { AcceptSocket } from "./upgrade.ts";

/** Seconds without a sign of life after which the platform asks for one, and then ends a client's WebSocket. */
const PING_TIMEOUT_S = 30;
/** Milliseconds that clients have to answer the closing handshake, when the listener ends. */
const CLOSING_MS = 1_000;

/** Clients' WebSockets of one listener of `Deno.serve`. */
export class DenoWebSockets {
  readonly #sockets = new Set<WebSocket>();
  #onChange = () => {};

  /** Makes a WebSocket of a request. */
  open(request: Request, accept: AcceptSocket): Response {
    let upgraded: ReturnType<typeof Deno.upgradeWebSocket>;
    try {
      upgraded = Deno.upgradeWebSocket(request, { idleTimeout: PING_TIMEOUT_S });
    } catch {
      return new Response("this is no WebSocket handshake (RFC 6455)\n", { status: 400 });
    }
    const { socket, response } = upgraded;
    socket.onopen = () => this.#connect(socket, accept);
    socket.onerror = () => {};
    return response;
  }

  /**
   * Comes back when the sockets have ended, those at the latest after a second that are being closed. To be waited for
   * before the server ends: it cuts sockets that are open, in the middle of an answer.
   */
  async ended(): Promise<void> {
    await this.#until(() => [...this.#sockets].every(({ readyState }) => readyState > WebSocket.OPEN));
    const { promise: timeUp, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, CLOSING_MS);
    await Promise.race([this.#until(() => this.#sockets.size === 0), timeUp]);
    clearTimeout(timer);
  }

  #connect(socket: WebSocket, accept: AcceptSocket): void {
    this.#sockets.add(socket);
    const session = accept({
      get bufferedAmount() {
        return socket.bufferedAmount;
      },
      send: (text) => {
        const isOpen = socket.readyState === WebSocket.OPEN;
        if (isOpen) socket.send(text);
        return isOpen;
      },
      close: (code, reason) => {
        if (socket.readyState > WebSocket.OPEN) return;
        socket.close(code, reason);
        this.#onChange();
      },
    });
    socket.onmessage = ({ data }) => session.message(data);
    socket.onclose = () => {
      this.#sockets.delete(socket);
      session.closed();
      this.#onChange();
    };
  }

  async #until(isSo: () => boolean): Promise<void> {
    if (isSo()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onChange = () => isSo() && resolve();
    await promise;
  }
}
