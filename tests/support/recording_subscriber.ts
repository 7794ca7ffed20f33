/** Clients that write down what they are delivered, so that a bill can be held against it. */
import type { ReceivedRecord } from "./receiver.ts";
import { type Counts, tally } from "./bill.ts";

/** One message of a subscription, as it came. */
export interface Delivery {
  /** The id that the client was given for the subscription. */
  readonly subscription: string | number;
  readonly result: unknown;
}

/** A client on one connection. */
export interface RecordingSubscriber extends AsyncDisposable {
  readonly project: string;
  /** Every delivery so far, in order. */
  readonly deliveries: readonly Delivery[];
  /** Subscribes and comes back with the id; throws with the relay's error. */
  subscribe(params: readonly unknown[], method?: string): Promise<string | number>;
  /** Ends a subscription; throws with the relay's error. */
  unsubscribe(subscription: string | number, method?: string): Promise<void>;
  /** Resolves when a delivery fits, of those before as well; rejects when the connection ends or after `timeoutMs`. */
  until(fits: (delivery: Delivery) => boolean, timeoutMs?: number): Promise<Delivery>;
  /** Code and reason, once the connection has ended. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

interface Message {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
  readonly params?: Delivery;
}

/** Connects to a relay for a project. */
export async function startRecording(url: string, project: string): Promise<RecordingSubscriber> {
  const socket = new WebSocket(url.replace(/^http/, "ws"), { headers: { "project-id": project } });
  const deliveries: Delivery[] = [];
  const answers = new Map<number, PromiseWithResolvers<unknown>>();
  const waiting = new Set<(delivery: Delivery | undefined) => void>();
  const ended = Promise.withResolvers<{ code: number; reason: string }>();
  const opened = Promise.withResolvers<void>();
  let lastId = 0;
  let isOver = false;
  socket.onopen = () => opened.resolve();
  socket.onerror = () => opened.reject(new Error(`${project} could not connect`));
  socket.onclose = ({ code, reason }) => {
    isOver = true;
    for (const { reject } of answers.values()) reject(new Error(`${project}: the connection ended: ${code} ${reason}`));
    for (const look of [...waiting]) look(undefined);
    ended.resolve({ code, reason });
  };
  socket.onmessage = ({ data }) => {
    const { id, result, error, params }: Message = JSON.parse(data);
    if (params !== undefined) {
      deliveries.push(params);
      for (const look of [...waiting]) look(params);
      return;
    }
    const answer = answers.get(id!);
    answers.delete(id!);
    if (error === undefined) answer?.resolve(result);
    else answer?.reject(new Error(`${error.code}: ${error.message}`));
  };
  const call = (method: string, params: readonly unknown[]): Promise<unknown> => {
    const answer = Promise.withResolvers<unknown>();
    if (isOver) return Promise.reject(new Error(`${project}: the connection has ended`));
    answers.set(++lastId, answer);
    socket.send(JSON.stringify({ jsonrpc: "2.0", id: lastId, method, params }));
    return answer.promise;
  };
  await opened.promise;
  return {
    project,
    deliveries,
    closed: ended.promise,
    async subscribe(params, method = "eth_subscribe") {
      const subscription = await call(method, params);
      if (typeof subscription === "string" || typeof subscription === "number") return subscription;
      throw new Error(`${project}: ${method} was answered with ${JSON.stringify(subscription)}`);
    },
    async unsubscribe(subscription, method = "eth_unsubscribe") {
      await call(method, [subscription]);
    },
    async until(fits, timeoutMs = 15_000) {
      const known = deliveries.find(fits);
      if (known !== undefined) return known;
      const found = Promise.withResolvers<Delivery>();
      const look = (delivery: Delivery | undefined) => {
        if (delivery === undefined) found.reject(new Error(`${project}: the connection ended`));
        else if (fits(delivery)) found.resolve(delivery);
      };
      const explain = () => new Error(`${project} got ${deliveries.length} deliveries, none of them the one`);
      const timer = setTimeout(() => found.reject(explain()), timeoutMs);
      waiting.add(look);
      if (isOver) look(undefined);
      try {
        return await found.promise;
      } finally {
        clearTimeout(timer);
        waiting.delete(look);
      }
    },
    async [Symbol.asyncDispose]() {
      if (socket.readyState <= WebSocket.OPEN) socket.close();
      await ended.promise;
    },
  };
}

/** How many deliveries clients have got, by project. */
export function deliveriesByProject(clients: readonly RecordingSubscriber[]): Counts {
  return tally(clients.flatMap(({ project, deliveries }) => deliveries.map(() => project)));
}

/** How many deliveries are on the bill, by project. */
export function billedDeliveries(records: readonly ReceivedRecord[]): Counts {
  const deliveries = records.filter(({ attributes }) => attributes["api_method"] === "subscription_delivery");
  return tally(deliveries.map(({ attributes }) => String(attributes["project"])));
}
