import { Buffer } from "node:buffer";
import { gunzip } from "node:zlib";
import { concatBytes } from "../domain/bytes.ts";
import type { Clock } from "../domain/clock.ts";
import { type Log, silentLog } from "../domain/log.ts";
import { decodeJsonRequest } from "../usage/otlp/decode_json.ts";
import { decodeProtobufRequest } from "../usage/otlp/decode_protobuf.ts";
import { encodeFailure, encodeSuccess, type OtlpMediaType } from "../usage/otlp/response.ts";
import { readRow, type ReceivedRecord, ROW_FIELDS, type UsageRow } from "../usage/usage_row.ts";
import type { UsageStore } from "./usage_store.ts";

/** Limits on what senders can make the receiver hold. */
export interface ReceiverOptions {
  /** Largest body of a request, and what it may grow to without its compression. */
  readonly maxBodyBytes: number;
  /** Bytes of all bodies that are held at once; a request that would be more is asked to come back. */
  readonly maxHeldBytes: number;
  /** Milliseconds for a body to arrive. */
  readonly bodyTimeoutMs: number;
}

/** What has arrived. Each only grows. */
export interface ReceiverCounts {
  /** Requests that were answered, whatever with. */
  readonly requests: number;
  /** Requests that were not taken. */
  readonly refused: number;
  /** Records of requests that were taken that are no usage events. */
  readonly rejected: number;
}

/** Where records are sent to. */
const LOGS_PATH = "/v1/logs";
const HEALTH_PATH = "/health";
const RETRY_AFTER_SECONDS = 1;
/** At most one line about records that are rejected in this time. */
const REJECTION_LOG_INTERVAL_MS = 10_000;
const EVENT_ID_INDEX = ROW_FIELDS.relay_usage.findIndex(({ name }) => name === "event_id");

/** Numbers of google.rpc.Code. */
const INVALID_ARGUMENT = 3;
const UNAVAILABLE = 14;

/** Receives usage records as OTLP/HTTP logs, JSON or Protobuf, and answers when they have been stored. */
export class UsageReceiver {
  readonly #store: Pick<UsageStore, "add">;
  readonly #clock: Clock;
  readonly #options: ReceiverOptions;
  readonly #counts = { requests: 0, refused: 0, rejected: 0 };
  readonly #log: Log;
  #heldBytes = 0;
  #lastRejectionLogMs = -Infinity;
  #hasWarnedOfIds = false;

  constructor(store: Pick<UsageStore, "add">, clock: Clock, options: ReceiverOptions, log: Log = silentLog) {
    this.#store = store;
    this.#clock = clock;
    this.#options = options;
    this.#log = log;
  }

  /** What has arrived so far. */
  counts(): ReceiverCounts {
    return { ...this.#counts };
  }

  /** Answers one request. */
  async fetch(request: Request): Promise<Response> {
    this.#counts.requests++;
    const response = await this.#answer(request);
    if (!response.ok) this.#counts.refused++;
    return response;
  }

  async #answer(request: Request): Promise<Response> {
    const path = pathOf(request);
    if (path === HEALTH_PATH) return Response.json({ status: "ok" });
    if (path !== LOGS_PATH) return plain(404, `records go to POST ${LOGS_PATH}`);
    if (request.method !== "POST") return plain(405, `records go to POST ${LOGS_PATH}`, { allow: "POST" });
    // Browsers say where a POST comes from, and relays do not: no web page puts something on the bill.
    if (request.headers.has("origin")) return plain(403, "records are not taken from web pages");
    const mediaType = mediaTypeOf(request.headers.get("content-type") ?? "");
    if (mediaType === undefined) return plain(415, "send application/x-protobuf or application/json");
    const encoding = (request.headers.get("content-encoding") ?? "identity").trim().toLowerCase();
    if (encoding !== "identity" && encoding !== "gzip") return plain(415, "send content-encoding gzip, or none");

    const { maxBodyBytes, maxHeldBytes } = this.#options;
    const declared = Number(request.headers.get("content-length") ?? maxBodyBytes);
    if (declared > maxBodyBytes) {
      request.body?.cancel().catch(() => {});
      return plain(413, `the body is larger than ${maxBodyBytes} bytes; send smaller batches`);
    }
    // What a compressed body grows to is not known before it is there.
    const reserved = encoding === "gzip" ? maxBodyBytes : declared;
    if (this.#heldBytes > 0 && this.#heldBytes + reserved > maxHeldBytes) {
      request.body?.cancel().catch(() => {});
      return unavailable(mediaType, "too many requests are being stored");
    }
    this.#heldBytes += reserved;
    try {
      return await this.#take(request, mediaType, encoding === "gzip");
    } finally {
      this.#heldBytes -= reserved;
    }
  }

  async #take(request: Request, mediaType: OtlpMediaType, isCompressed: boolean): Promise<Response> {
    const { maxBodyBytes } = this.#options;
    const body = await this.#readBody(request);
    if (body instanceof Response) return body;
    let bytes: Uint8Array = body;
    if (isCompressed) {
      const plainBytes = await unzip(body, maxBodyBytes);
      if (plainBytes === undefined) {
        return invalid(mediaType, `the body is no gzip, or more than ${maxBodyBytes} bytes`);
      }
      bytes = plainBytes;
    }
    let records: readonly ReceivedRecord[];
    try {
      records = mediaType === "application/json" ? decodeJsonRequest(bytes) : decodeProtobufRequest(bytes);
    } catch {
      return invalid(mediaType, "the body is no ExportLogsServiceRequest");
    }
    const rows: UsageRow[] = [];
    let reason = "";
    for (const record of records) {
      const read = readRow(record);
      if (read.kind === "row") rows.push(read.row);
      else reason ||= read.reason;
    }
    const result = await this.#store.add(rows);
    if (result.kind === "failure") return unavailable(mediaType, "the events can't be stored now");
    const rejected = records.length - rows.length;
    if (rejected > 0) this.#noteRejected(rejected, reason);
    if (!this.#hasWarnedOfIds) this.#lookForIds(rows);
    return respond(200, mediaType, encodeSuccess(mediaType, rejected, reason));
  }

  #noteRejected(rejected: number, reason: string): void {
    this.#counts.rejected += rejected;
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#lastRejectionLogMs < REJECTION_LOG_INTERVAL_MS) return;
    this.#lastRejectionLogMs = nowMs;
    this.#log.warn("records are no usage events; senders are told", {
      reason,
      rejected_since_start: this.#counts.rejected,
    });
  }

  #lookForIds(rows: readonly UsageRow[]): void {
    if (!rows.some(({ kind, values }) => kind === "relay_usage" && values[EVENT_ID_INDEX] === null)) return;
    this.#hasWarnedOfIds = true;
    this.#log.warn("events come without event_id, so that those that come twice are kept twice", {
      remedy: "run the relays with --usage-otel-extended",
    });
  }

  /** The body, or the answer to one that does not come, or is too long. */
  async #readBody(request: Request): Promise<Uint8Array<ArrayBuffer> | Response> {
    if (request.body === null) return new Uint8Array();
    const { maxBodyBytes, bodyTimeoutMs } = this.#options;
    const reader = request.body.getReader();
    let isLate = false;
    const cancelTimer = this.#clock.schedule(bodyTimeoutMs, () => {
      isLate = true;
      reader.cancel().catch(() => {});
    });
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    let length = 0;
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (isLate) return plain(408, `the body did not arrive within ${bodyTimeoutMs} ms`);
        if (done) return chunks.length === 1 ? chunks[0]! : concatBytes(chunks);
        length += value.length;
        if (length > maxBodyBytes) {
          reader.cancel().catch(() => {});
          return plain(413, `the body is larger than ${maxBodyBytes} bytes; send smaller batches`);
        }
        chunks.push(value);
      }
    } catch {
      return plain(400, "the body broke off");
    } finally {
      cancelTimer();
    }
  }
}

function mediaTypeOf(contentType: string): OtlpMediaType | undefined {
  const type = contentType.split(";")[0]!.trim().toLowerCase();
  return type === "application/json" || type === "application/x-protobuf" ? type : undefined;
}

/** What a gzip body holds; undefined for one that is none, or holds more than `maxBytes`. */
function unzip(bytes: Uint8Array, maxBytes: number): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    gunzip(
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
      { maxOutputLength: maxBytes },
      (error, plain) => resolve(error === null ? plain : undefined),
    );
  });
}

/** The path of a request; empty for a URL that is none, as a broken `Host` header makes it. */
function pathOf(request: Request): string {
  try {
    return new URL(request.url).pathname;
  } catch {
    return "";
  }
}

function invalid(mediaType: OtlpMediaType, message: string): Response {
  return respond(400, mediaType, encodeFailure(mediaType, INVALID_ARGUMENT, message));
}

function unavailable(mediaType: OtlpMediaType, message: string): Response {
  const response = respond(503, mediaType, encodeFailure(mediaType, UNAVAILABLE, message));
  response.headers.set("retry-after", String(RETRY_AFTER_SECONDS));
  return response;
}

function respond(status: number, mediaType: OtlpMediaType, body: Uint8Array<ArrayBuffer>): Response {
  return new Response(body, { status, headers: { "content-type": mediaType } });
}

function plain(status: number, message: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(`${message}\n`, { status, headers: { ...headers, "content-type": "text/plain; charset=utf-8" } });
}
