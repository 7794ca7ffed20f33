/**
 * The relay in workerd, the runtime of Cloudflare Workers.
 *
 * There, sockets, timers and requests belong to the call that they were started for, and end with it. So events are sent
 * on at the end of each call, as part of it (`waitUntil`), and each WebSocket has a relay of its own, whose subscriptions
 * are not shared with other clients.
 *
 * @module
 */
import { HeldUsage } from "../usage/held_usage.ts";
import { NoopUsageSink, type UsageSink } from "../usage/usage_sink.ts";
import type { OpenNodeSocket } from "../transports/websocket.ts";
import type { ConnectionInfo } from "./fetch_handler.ts";
import { type AcceptSocket, isUpgrade } from "./upgrade.ts";
import { FetchedSocket, OPEN, type WorkersSocket } from "./workers_socket.ts";

/** What of the platform's execution context the handler uses. */
export interface WorkersContext {
  /** Keeps the call alive until the promise has settled, for half a minute at the most. */
  waitUntil(promise: Promise<unknown>): void;
}

/** What is served: what `createRelay` or `createPathRouter` gave. */
export interface WorkersRelay {
  /** Answers one request. */
  fetch(request: Request, info?: ConnectionInfo): Promise<Response>;
  /** Decides about a request for a WebSocket. */
  upgrade(request: Request, info?: ConnectionInfo): AcceptSocket | Response;
  /** Takes no more requests and lets go of what it holds. */
  close?(graceMs?: number): Promise<void>;
}

/** What a relay has to be created with here. */
export interface WorkersSurroundings {
  /** Where its events go. */
  readonly usage: UsageSink;
  /** Opens WebSockets to nodes. */
  readonly openSocket: OpenNodeSocket;
}

/** What the handler is made of. */
export interface WorkersOptions<Env> {
  /**
   * Creates the relay of these bindings, with `surroundings` among its options: once for all calls over HTTP, and once for
   * each WebSocket, which takes it a quarter of a millisecond. Throwing fails the request.
   */
  createRelay(env: Env, surroundings: WorkersSurroundings): WorkersRelay;
  /**
   * Opens a sink that sends events on, such as `createOtelUsageSink`. It is opened for each delivery and closed after it,
   * so that its `exportTimeoutMs` is for all of it, retries included. Default: events go nowhere.
   */
  createUsage?(env: Env): UsageSink | Promise<UsageSink>;
  /** Milliseconds between two deliveries of a WebSocket's events, each of which counts as one of its requests; default 5,000. */
  readonly socketFlushIntervalMs?: number;
}

/** What a Worker's module exports as its default. */
export interface WorkersHandler<Env> {
  /** Answers one request. */
  fetch(request: Request, env: Env, context: WorkersContext): Promise<Response>;
}

/**
 * Creates what a Worker's module exports as its default: HTTP, and WebSockets with subscriptions. A client's address is
 * what `cf-connecting-ip` says, which Cloudflare sets; elsewhere, what is in front has to. The response to a client does not
 * wait for its events, which the platform lets leave afterwards. What the platform ends before that is lost:
 * `exportTimeoutMs` of the sink must be well below its half minute.
 *
 * @example
 * ```ts
 * import { createOtelUsageSink, createRelay } from "@relaymeter/relay";
 * import { createWorkersHandler } from "@relaymeter/relay/workers";
 *
 * interface Env {
 *   readonly NODE_URL: string;
 *   readonly COLLECTOR_URL: string;
 * }
 *
 * const handler = createWorkersHandler<Env>({
 *   createRelay: ({ NODE_URL }, surroundings) =>
 *     createRelay({ chainId: "ETH1", providers: [{ name: "a", nodeUrls: [{ url: NODE_URL }] }], ...surroundings }),
 *   createUsage: ({ COLLECTOR_URL }) => createOtelUsageSink({ url: COLLECTOR_URL }),
 * });
 * // export default handler;
 *
 * const env = { NODE_URL: "https://node.example", COLLECTOR_URL: "https://collector.example/v1/logs" };
 * const health = await handler.fetch(new Request("https://relay.example/lava/health"), env, { waitUntil() {} });
 * if (health.status !== 200) throw new Error("it is healthy");
 * ```
 */
export function createWorkersHandler<Env>(options: WorkersOptions<Env>): WorkersHandler<Env> {
  let http: Assembled | undefined;
  return {
    async fetch(request, env, context) {
      const info = { clientAddress: request.headers.get("cf-connecting-ip") ?? "" };
      if (isUpgrade(request)) return upgrade(request, info, options, env, context);
      http ??= create(options, env);
      const { relay, usage } = http;
      const answering = relay.fetch(request, info);
      // A client that leaves does not end its call before that is on the bill.
      context.waitUntil(answering.then(() => usage?.flush()));
      return await answering;
    },
  };
}

/** A relay and where its events are held; undefined where they go nowhere. */
interface Assembled {
  readonly relay: WorkersRelay;
  readonly usage: HeldUsage | undefined;
}

function create<Env>({ createRelay, createUsage }: WorkersOptions<Env>, env: Env, onEvent = () => {}): Assembled {
  const usage = createUsage && new HeldUsage({ open: () => createUsage(env), onEvent });
  return { usage, relay: createRelay(env, { usage: usage ?? new NoopUsageSink(), openSocket }) };
}

/** The part of the platform that makes both ends of a WebSocket. */
interface Platform {
  readonly WebSocketPair: new () => { readonly 0: WorkersSocket; readonly 1: WorkersSocket };
}

function upgrade<Env>(
  request: Request,
  info: ConnectionInfo,
  options: WorkersOptions<Env>,
  env: Env,
  context: WorkersContext,
): Response {
  const { socketFlushIntervalMs = 5_000 } = options;
  let isFlushing = false;
  const { relay, usage } = create(options, env, () => {
    if (isFlushing) return;
    isFlushing = true;
    const due = new Promise((resolve) => setTimeout(resolve, socketFlushIntervalMs));
    context.waitUntil(due.then(() => {
      isFlushing = false;
      return usage?.flush();
    }));
  });
  const decision = relay.upgrade(request, info);
  if (decision instanceof Response) return decision;
  const { 0: theirs, 1: ours } = new (globalThis as unknown as Platform).WebSocketPair();
  ours.accept();
  connect(ours, decision, () => {
    // What calls under way come to is on the bill too.
    context.waitUntil(Promise.resolve(relay.close?.(0)).then(() => usage?.flush()));
  });
  return new Response(null, { status: 101, webSocket: theirs } as ResponseInit);
}

/** Puts a session to a socket. */
function connect(socket: WorkersSocket, accept: AcceptSocket, onEnd: () => void): void {
  const session = accept({
    // The platform does not tell.
    bufferedAmount: 0,
    send(text) {
      if (socket.readyState !== OPEN) return false;
      socket.send(text);
      return true;
    },
    close(code, reason) {
      if (socket.readyState <= OPEN) socket.close(code, reason);
    },
  });
  let isEnded = false;
  const end = () => {
    if (isEnded) return;
    isEnded = true;
    session.closed();
    onEnd();
  };
  socket.addEventListener("message", ({ data }) => session.message(data));
  socket.addEventListener("close", ({ code }) => {
    if (socket.readyState <= OPEN + 1) quietlyClose(socket, code);
    end();
  });
  socket.addEventListener("error", end);
}

/** The client has ended its side; this is the other one's answer. */
function quietlyClose(socket: WorkersSocket, code: number): void {
  try {
    socket.close(code === 1005 || code === 1006 ? 1000 : code);
  } catch {
    // It is closed already.
  }
}

const openSocket: OpenNodeSocket = (url, headers) => new FetchedSocket(url, headers);
