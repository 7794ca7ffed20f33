import type { UsageExportResult, UsageLogExporter, UsageLogRecord } from "../../mod.ts";

/** A batch that the exporter was given. */
export interface ManualExport {
  readonly records: readonly UsageLogRecord[];
  /** Calls back; an exporter should once. */
  readonly callback: (result: UsageExportResult) => void;
}

/** An exporter that keeps what it is given and calls back when it is told to. */
export class ManualExporter implements UsageLogExporter {
  readonly exports: ManualExport[] = [];
  /** Calls of the other members, in order. */
  readonly calls: string[] = [];
  /** Runs at each export, before it comes back. */
  onExport: (entry: ManualExport) => void = () => {};

  export(records: UsageLogRecord[], callback: (result: UsageExportResult) => void): void {
    const entry = { records, callback };
    this.exports.push(entry);
    this.onExport(entry);
  }

  forceFlush(): Promise<void> {
    this.calls.push("forceFlush");
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    this.calls.push("shutdown");
    return Promise.resolve();
  }

  /** Sizes of the batches so far. */
  get sizes(): number[] {
    return this.exports.map(({ records }) => records.length);
  }

  /** Sequence numbers of everything that it was given, in order. */
  get sequences(): number[] {
    return this.exports.flatMap(({ records }) => records.map(({ eventId }) => Number(eventId.split("/").at(-1))));
  }
}
