import type { LogFields } from "../domain/log.ts";
import type { RetentionOptions } from "./retention.ts";

/** Name of the worker: by it the program knows what it is to be in a worker. */
export const STORE_WORKER_NAME = "relaymeter-usage-store";

/** Compute units that a project has used since midnight UTC. */
export type ProjectUnits = readonly [project: string, units: number];

/** What the worker is told. */
export type ToStoreWorker =
  /** The first message. */
  | { readonly kind: "open"; readonly path: string; readonly retention: RetentionOptions }
  /** An export request in OTLP. */
  | {
    readonly kind: "request";
    readonly id: number;
    readonly contentType: string;
    readonly body: Uint8Array<ArrayBuffer>;
  }
  | { readonly kind: "close" };

/** What the worker says. */
export type FromStoreWorker =
  | { readonly kind: "opened"; readonly unitsOfDay: readonly ProjectUnits[] }
  | { readonly kind: "failure"; readonly message: string }
  | {
    readonly kind: "response";
    readonly id: number;
    readonly status: number;
    readonly headers: readonly (readonly [string, string])[];
    readonly body: Uint8Array<ArrayBuffer>;
  }
  | {
    readonly kind: "log";
    readonly level: "debug" | "info" | "warn" | "error";
    readonly message: string;
    readonly fields: LogFields;
  }
  | { readonly kind: "closed" };
