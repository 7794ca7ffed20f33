import type { Log } from "../domain/log.ts";
import type { RetentionOptions } from "./retention.ts";
import { type FromStoreWorker, type ProjectUnits, STORE_WORKER_NAME, type ToStoreWorker } from "./worker_messages.ts";

/** A store that is kept in a worker, behind what looks like the network to an exporter. */
export interface StoreClient {
  /** What projects had used of this day when the store was opened. */
  readonly unitsOfDay: readonly ProjectUnits[];
  /** Sends an export request, and comes back with the answer once the events are on disk. */
  fetch(url: string, init: RequestInit): Promise<Response>;
  /** Stores what is on its way, and closes the file. */
  close(): Promise<void>;
}

/** A store, or why there can't be one. */
export type StoreClientResult =
  | { readonly kind: "store"; readonly store: StoreClient }
  | { readonly kind: "failure"; readonly message: string };

interface Pending {
  readonly resolve: (response: Response) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Opens a store in a worker, so that the relay never waits for the disk. `program` is the URL of a module that calls
 * `runStoreWorker` in a worker of that name.
 */
export async function openStoreInWorker(
  program: string,
  path: string,
  retention: RetentionOptions,
  log: Log,
): Promise<StoreClientResult> {
  const worker = new Worker(program, { type: "module", name: STORE_WORKER_NAME });
  const send = (message: ToStoreWorker) => worker.postMessage(message);
  const opened = Promise.withResolvers<StoreClientResult>();
  const closed = Promise.withResolvers<void>();
  const pending = new Map<number, Pending>();
  let lastId = 0;
  let isBroken = false;
  worker.onmessage = ({ data: message }: MessageEvent<FromStoreWorker>) => {
    switch (message.kind) {
      case "opened":
        return opened.resolve({ kind: "store", store: { ...store, unitsOfDay: message.unitsOfDay } });
      case "failure":
        worker.terminate();
        return opened.resolve(message);
      case "response": {
        const { status, body } = message;
        const headers = message.headers.map(([name, value]): [string, string] => [name, value]);
        pending.get(message.id)?.resolve(new Response(body, { status, headers }));
        return void pending.delete(message.id);
      }
      case "log":
        return log[message.level](message.message, message.fields);
      case "closed":
        return closed.resolve();
    }
  };
  worker.onerror = (event) => {
    // Without this the error would end the relay.
    event.preventDefault();
    isBroken = true;
    log.error("the usage store has broken down; its events are kept or dropped as the ledger says", {
      error: event.message,
    });
    worker.terminate();
    for (const { reject } of pending.values()) reject(new TypeError("the usage store has broken down"));
    pending.clear();
    opened.resolve({ kind: "failure", message: `${path}: ${event.message}` });
    closed.resolve();
  };
  const store: Omit<StoreClient, "unitsOfDay"> = {
    fetch(_url, { body, headers, signal }) {
      if (isBroken) return Promise.reject(new TypeError("the usage store has broken down"));
      if (signal?.aborted) return Promise.reject(signal.reason);
      const id = ++lastId;
      const { promise, resolve, reject } = Promise.withResolvers<Response>();
      const abandon = () => {
        pending.delete(id);
        reject(signal!.reason);
      };
      signal?.addEventListener("abort", abandon, { once: true });
      pending.set(id, { resolve, reject });
      const contentType = new Headers(headers).get("content-type") ?? "";
      // A copy goes over: the exporter sends its bytes again if it has to.
      send({ kind: "request", id, contentType, body: body as Uint8Array<ArrayBuffer> });
      return promise.finally(() => signal?.removeEventListener("abort", abandon));
    },
    async close() {
      if (!isBroken) send({ kind: "close" });
      await closed.promise;
    },
  };
  send({ kind: "open", path, retention });
  return await opened.promise;
}
