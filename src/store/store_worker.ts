import { systemClock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";
import { UsageReceiver } from "./receiver.ts";
import { UsageStore } from "./usage_store.ts";
import { type FromStoreWorker, STORE_WORKER_NAME, type ToStoreWorker } from "./worker_messages.ts";

/** The largest batch that a relay can make has a fraction of this. */
const MAX_BODY_BYTES = 256 * 1024 * 1024;

/** What a worker has around it. */
interface WorkerScope {
  readonly name?: unknown;
  onmessage: ((event: MessageEvent<ToStoreWorker>) => void) | null;
  postMessage(message: FromStoreWorker): void;
  close(): void;
}

/** Whether this is the worker that keeps a relay's store, and not the program. */
export function isStoreWorker(): boolean {
  return (globalThis as unknown as WorkerScope).name === STORE_WORKER_NAME;
}

/** Keeps a store for the relay that started this worker, until it is told to close. */
export function runStoreWorker(): void {
  const scope = globalThis as unknown as WorkerScope;
  let store: UsageStore | undefined;
  let receiver: UsageReceiver | undefined;
  scope.onmessage = async ({ data: message }) => {
    switch (message.kind) {
      case "open": {
        const opened = UsageStore.open(message.path, { clock: systemClock, log: logOf(scope) }, message.retention);
        if (opened.kind === "failure") return scope.postMessage(opened);
        store = opened.store;
        // The relay itself bounds what is on its way.
        const limits = { maxBodyBytes: MAX_BODY_BYTES, maxHeldBytes: Infinity, bodyTimeoutMs: 10_000 };
        receiver = new UsageReceiver(store, systemClock, limits);
        return scope.postMessage({ kind: "opened", unitsOfDay: store.unitsOfDay() });
      }
      case "request": {
        const { id, contentType, body } = message;
        const request = new Request("http://usage-store/v1/logs", {
          method: "POST",
          headers: { "content-type": contentType },
          body,
        });
        const response = await receiver!.fetch(request);
        const answer = new Uint8Array(await response.arrayBuffer());
        const { status, headers } = response;
        return scope.postMessage({ kind: "response", id, status, headers: [...headers], body: answer });
      }
      case "close":
        await store?.[Symbol.asyncDispose]();
        scope.postMessage({ kind: "closed" });
        scope.close();
    }
  };
}

function logOf(scope: WorkerScope): Log {
  const write = (level: keyof Log): Log[keyof Log] => (message, fields = {}) =>
    scope.postMessage({ kind: "log", level, message, fields });
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}
