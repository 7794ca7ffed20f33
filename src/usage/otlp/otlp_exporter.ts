import type { Clock } from "../../domain/clock.ts";
import { Canceller } from "../../domain/cancellation.ts";
import type { Log } from "../../domain/log.ts";
import type { Post } from "../../domain/post.ts";
import type { HeaderFields } from "../../domain/wire.ts";
import type { EncodedExporter, EncodedExportResult, UsageExportResult, UsageLogExporter } from "../log_exporter.ts";
import { type UsageLogRecord, UsageResource } from "../log_record.ts";
import type { EncodedBatch } from "../spool_port.ts";
import { ByteBuffer } from "./byte_buffer.ts";
import { backoffMs, classifyStatus, type Delivery } from "./delivery.ts";
import { jsonEncoding } from "./encode_json.ts";
import { protobufEncoding } from "./encode_protobuf.ts";
import { encodeRecords } from "./encode_records.ts";
import type { OtlpEncoding } from "./encoding.ts";
import { packRequests } from "./pack_requests.ts";

/** Options of the exporter, resolved. Durations are milliseconds. */
export interface OtlpExporterOptions {
  /** Full URL of the collector's logs endpoint. */
  readonly url: string;
  /** Headers of each request, asked for each time, so that a token may change. */
  headers(): Readonly<Record<string, string>>;
  readonly encoding: OtlpEncoding;
  readonly compression: "none" | "gzip";
  /** For one request. */
  readonly timeoutMs: number;
  /** For a batch with all its retries. */
  readonly retryBudgetMs: number;
}

/** What the exporter works with. */
export interface OtlpExporterDeps {
  readonly post: Post;
  /** Whether `post` is done with the bytes of a request once it was a success; else it gets a copy of its own. */
  readonly isPostQuick?: boolean;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Told when the collector goes away and when it is back. */
  readonly log: Log;
}

const FIRST_BUFFER_BYTES = 256 * 1024;
/** A buffer that a batch of huge records has grown is not kept. */
const MAX_SPARE_BYTES = 4 * 1024 * 1024;
/** After trouble is over, the next is not told before this, milliseconds. */
const TROUBLE_LOG_INTERVAL_MS = 10_000;

/** A request that had no answer. */
const GIVEN_UP: Delivery = { kind: "retryable", retryAfterMs: 0 };

/** Sends log records to a collector by OTLP/HTTP: exact types, bounded bodies, and retries with a budget of their own. */
export class OtlpExporter implements UsageLogExporter, EncodedExporter {
  readonly #deps: OtlpExporterDeps;
  readonly #options: OtlpExporterOptions;
  readonly #stop = new Canceller();
  /** Wakes those that wait before a retry. */
  readonly #sleepers = new Set<() => void>();
  readonly #exports = new Set<Promise<unknown>>();
  /** What the last batch was encoded in: large pieces of memory are not cheap to come by. */
  #spareBuffer: ByteBuffer | undefined;
  #isHurried = false;
  #isInTrouble = false;
  #quietUntilMs = -Infinity;

  constructor(deps: OtlpExporterDeps, options: OtlpExporterOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  export(records: UsageLogRecord[], resultCallback: (result: UsageExportResult) => void): void {
    this.#track(this.#exportAll(records)).then(resultCallback, (error) => resultCallback({ code: 1, error }));
  }

  exportEncoded(batch: EncodedBatch, retryBudgetMs: number): Promise<EncodedExportResult> {
    return this.#track(this.#exportRequests(batch, retryBudgetMs));
  }

  /** Retries at once what waits for its next attempt, and from now on waits no more than a second. */
  forceFlush(): Promise<void> {
    this.#isHurried = true;
    for (const wake of this.#sleepers) wake();
    return Promise.resolve();
  }

  /** Gives up all requests, and comes back when it has been reported what they did deliver. */
  async shutdown(): Promise<void> {
    this.#stop.abort();
    for (const wake of this.#sleepers) wake();
    await Promise.all(this.#exports);
  }

  /** Keeps what is under way, until it has been told. */
  #track<Result>(exporting: Promise<Result>): Promise<Result> {
    this.#exports.add(exporting);
    const forget = () => void this.#exports.delete(exporting);
    exporting.then(forget, forget);
    return exporting;
  }

  async #exportRequests(batch: EncodedBatch, retryBudgetMs: number): Promise<EncodedExportResult> {
    const encoding = batch.contentType === jsonEncoding.contentType ? jsonEncoding : protobufEncoding;
    const deadlineMs = this.#deps.clock.monotonic() + retryBudgetMs;
    const isLent = this.#deps.isPostQuick === true && this.#options.compression === "none";
    let exported = 0;
    let rejected = 0;
    let isDone = true;
    for (const { body, count } of packRequests(encoding, new UsageResource(batch.resource), batch.records, isLent)) {
      const { delivery, attempts } = await this.#deliver(encoding, await this.#compress(body), deadlineMs);
      // A request that was given up may be read for a while yet.
      if (isLent && (delivery.kind !== "delivered" || attempts > 1)) isDone = false;
      if (delivery.kind === "retryable") break;
      const refused = delivery.kind === "refused" ? count : Math.min(delivery.rejected, count);
      rejected += refused;
      exported += count - refused;
    }
    return { exported, rejected, isDone };
  }

  async #exportAll(records: readonly UsageLogRecord[]): Promise<UsageExportResult> {
    const { encoding, retryBudgetMs } = this.#options;
    const [first] = records;
    if (first === undefined) return { code: 0 };
    const buffer = this.#spareBuffer ?? new ByteBuffer(FIRST_BUFFER_BYTES);
    this.#spareBuffer = undefined;
    const { unencodable, ...encoded } = await encodeRecords(encoding, records, this.#deps.clock, buffer);
    const batch = { contentType: encoding.contentType, resource: first.resource.attributes, records: encoded };
    const { exported, rejected } = await this.#exportRequests(batch, retryBudgetMs);
    if (buffer.length <= MAX_SPARE_BYTES) this.#spareBuffer = buffer;
    const counts = { exported, rejected: rejected + unencodable };
    return { code: exported === records.length ? 0 : 1, counts };
  }

  /** Sends one request until it is taken or refused, or until the deadline. */
  async #deliver(
    encoding: OtlpEncoding,
    body: Uint8Array<ArrayBuffer>,
    deadlineMs: number,
  ): Promise<{ readonly delivery: Delivery; readonly attempts: number }> {
    const { clock, random } = this.#deps;
    for (let attempt = 1;; attempt++) {
      if (this.#stop.aborted) return { delivery: GIVEN_UP, attempts: attempt };
      const delivery = await this.#send(encoding, body);
      this.#noteTrouble(delivery);
      if (delivery.kind !== "retryable") return { delivery, attempts: attempt };
      const waitMs = this.#isHurried
        ? Math.min(backoffMs(attempt, 0, random()), 1_000)
        : backoffMs(attempt, delivery.retryAfterMs, random());
      // A wait that is longer than what is left ends with the budget, and with one last attempt.
      const leftMs = deadlineMs - clock.monotonic();
      if (leftMs <= 0) return { delivery, attempts: attempt };
      await this.#sleep(Math.min(waitMs, leftMs));
    }
  }

  async #send(encoding: OtlpEncoding, body: Uint8Array<ArrayBuffer>): Promise<Delivery> {
    const { post, clock } = this.#deps;
    const { url, timeoutMs } = this.#options;
    const signal = new Canceller();
    const abort = () => signal.abort();
    const cancelTimer = clock.schedule(timeoutMs, abort);
    this.#stop.addEventListener("abort", abort);
    try {
      const { status, retryAfter, body: answer } = await post({ url, headers: this.#fields(encoding), body, signal });
      const delivery = classifyStatus(status, retryAfter, clock.now());
      return delivery.kind === "delivered" ? { kind: "delivered", rejected: encoding.readRejected(answer) } : delivery;
    } catch {
      return GIVEN_UP;
    } finally {
      cancelTimer();
      this.#stop.removeEventListener("abort", abort);
    }
  }

  /** Header fields of a request: what the body is, is not for others to say. */
  #fields({ contentType }: OtlpEncoding): HeaderFields {
    const { headers, compression } = this.#options;
    const fields: [string, string][] = [];
    for (const [name, value] of Object.entries(headers())) {
      const key = name.toLowerCase();
      if (key !== "content-type" && key !== "content-encoding") fields.push([key, value]);
    }
    fields.push(["content-type", contentType]);
    if (compression === "gzip") fields.push(["content-encoding", "gzip"]);
    return fields;
  }

  /** One line when trouble starts and one when it is over, and no more than one in a while where it comes and goes. */
  #noteTrouble({ kind }: Delivery): void {
    const { log, clock } = this.#deps;
    const isTrouble = kind !== "delivered";
    const nowMs = clock.monotonic();
    if (isTrouble === this.#isInTrouble || nowMs < this.#quietUntilMs) return;
    this.#isInTrouble = isTrouble;
    this.#quietUntilMs = nowMs + (isTrouble ? 0 : TROUBLE_LOG_INTERVAL_MS);
    if (kind === "delivered") log.info("the collector takes usage events again");
    else if (kind === "refused") log.error("the collector refuses usage events for good: they are dropped and counted");
    else log.warn("the collector can't be reached or asks to wait: usage events are held and tried again");
  }

  async #compress(body: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#options.compression === "none") return body;
    const compressed = new Response(body).body!.pipeThrough(new CompressionStream("gzip"));
    return new Uint8Array(await new Response(compressed).arrayBuffer());
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        cancelTimer();
        this.#sleepers.delete(wake);
        resolve();
      };
      const cancelTimer = this.#deps.clock.schedule(ms, wake);
      this.#sleepers.add(wake);
    });
  }
}
