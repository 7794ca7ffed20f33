import type { UsageLogRecord } from "./log_record.ts";
import type { EncodedBatch } from "./spool_port.ts";

/** How an export ended, in the shape of the OpenTelemetry SDK. */
export interface UsageExportResult {
  /** 0 when the collector has taken the records, 1 when it has not. */
  readonly code: number;
  /** Why it has not. */
  readonly error?: Error;
  /** Where the exporter knows more than yes or no: what was taken and what was refused; the rest could not be sent. */
  readonly counts?: { readonly exported: number; readonly rejected: number };
}

/**
 * What the sink wants of an exporter: the part of the OpenTelemetry SDK's `LogRecordExporter` that it uses, so that any
 * log exporter of that ecosystem can be plugged in.
 */
export interface UsageLogExporter {
  /** Sends records, all of one kind. Calls back once. */
  export(records: UsageLogRecord[], resultCallback: (result: UsageExportResult) => void): void;
  /** Hurries up what is being sent, when the sink is about to close. Older exporters have none. */
  forceFlush?(): Promise<void>;
  /** Gives up what is being sent, and frees what is held. */
  shutdown(): Promise<void>;
}

/** How the export of encoded records ended. */
export interface EncodedExportResult {
  readonly exported: number;
  readonly rejected: number;
  /** Whether it is certain that nothing reads the bytes any more; else they must not be written over. */
  readonly isDone?: boolean;
}

/** Sends records that are encoded already. */
export interface EncodedExporter {
  /** Tries until the batch is taken or refused, for `retryBudgetMs`, or until it is shut down. Never rejects. */
  exportEncoded(batch: EncodedBatch, retryBudgetMs: number): Promise<EncodedExportResult>;
}
