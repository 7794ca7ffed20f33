/** WebSockets of workerd, which are had as parts of responses. */

/** One end of a WebSocket. */
export interface WorkersSocket {
  readonly readyState: number;
  /** Makes this end the program's. */
  accept(): void;
  send(text: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
  addEventListener(type: "close", listener: (event: CloseEvent) => void): void;
  addEventListener(type: "error", listener: () => void): void;
}

/** A response with a WebSocket. */
export interface SocketResponse extends Response {
  readonly webSocket?: WorkersSocket | null;
}

/** `readyState` of a socket that takes messages. */
export const OPEN = 1;
const CLOSED = 3;

/**
 * A WebSocket to a node, with the face of the platform's own. It is asked for with `fetch`, since the platform's sends no
 * headers along, and nodes want their keys.
 */
export class FetchedSocket {
  /** The platform does not tell. */
  readonly bufferedAmount = 0;
  onopen: ((event: Event) => unknown) | null = null;
  onmessage: ((event: MessageEvent) => unknown) | null = null;
  onclose: ((event: CloseEvent) => unknown) | null = null;
  onerror: ((event: Event) => unknown) | null = null;
  #socket: WorkersSocket | undefined;
  #isClosed = false;

  constructor(url: string, headers: readonly (readonly [string, string])[]) {
    this.#open(url, headers).catch(() => this.#end(1006));
  }

  get readyState(): number {
    return this.#isClosed ? CLOSED : this.#socket?.readyState ?? 0;
  }

  send(text: string): void {
    this.#socket?.send(text);
  }

  close(): void {
    this.#isClosed = true;
    this.#socket?.close();
  }

  async #open(url: string, own: readonly (readonly [string, string])[]): Promise<void> {
    const headers = [...own, ["upgrade", "websocket"]].map((
      [name = "", value = ""],
    ): [string, string] => [name, value]);
    const response: SocketResponse = await fetch(url.replace(/^ws/i, "http"), { headers });
    const socket = response.webSocket;
    if (socket === undefined || socket === null) {
      await response.body?.cancel();
      return this.#end(1006);
    }
    socket.accept();
    if (this.#isClosed) return socket.close();
    this.#socket = socket;
    socket.addEventListener("message", (event) => this.onmessage?.(event));
    socket.addEventListener("close", ({ code }) => this.#end(code));
    socket.addEventListener("error", () => this.#end(1006));
    this.onopen?.(new Event("open"));
  }

  #end(code: number): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.onclose?.(new CloseEvent("close", { code }));
  }
}
