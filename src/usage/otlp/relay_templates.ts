import type { Clock } from "../../domain/clock.ts";
import type { RelayUsageEvent } from "../../domain/usage_event.ts";
import { EXTENDED_RELAY_USAGE_ATTRIBUTES } from "../attributes.ts";
import { MAX_UNIX_MS, UsageLogRecord, type UsageResource } from "../log_record.ts";
import { ByteBuffer } from "./byte_buffer.ts";
import type { RelayEncoder } from "./encoding.ts";
import { appendRecord, OBSERVED_BEFORE_END, type RecordMarks } from "./protobuf_record.ts";

/** An encoded record, with what it was encoded of but for its times, its latency and its number. */
interface Template extends Omit<RelayUsageEvent, "kind" | "timeUnixMs" | "latencyMs"> {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly timeAt: number;
  readonly latencyAt: number;
  readonly latencySize: number;
  readonly digitsAt: number;
  /** Digits of the number in its id; 0 without an id. */
  readonly digits: number;
}

/** Places for templates, a power of two; half of them are used at most, which takes up to 4 MB. */
const PLACES = 8192;
const MAX_TEMPLATES = PLACES / 2;
/** How many places, one behind the other, are looked at for one. */
const MAX_STEPS = 8;
/** Records that are longer are not kept as templates. */
const MAX_BYTES = 1024;
const LATENCY_FIELD = EXTENDED_RELAY_USAGE_ATTRIBUTES.findIndex(({ name }) => name === "latency_ms");
const ID_FIELD = EXTENDED_RELAY_USAGE_ATTRIBUTES.findIndex(({ name }) => name === "event_id");

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Encodes events of relays in Protobuf by copying the record of one that was alike: most differ from others in nothing
 * but when they happened, how long they took and the number in their id, which have a fixed place in the bytes.
 */
export class RelayTemplates implements RelayEncoder {
  readonly #eventIdPrefix: string;
  readonly #resource: UsageResource;
  readonly #clock: Clock;
  /** Each kind of event is at the place of its hash, or a few behind. */
  readonly #templates: (Template | undefined)[] = new Array<Template | undefined>(PLACES).fill(undefined);
  readonly #hashes = new Int32Array(PLACES);
  #count = 0;
  /** Hashes that found nothing, the last for each place: once there are many templates, what comes once gets none. */
  readonly #missed = new Int32Array(PLACES);
  /** The one that was used last: callers tend to come in rows. */
  #last: Template | undefined;
  /** Digits of the number before, and the first number that has more. */
  #digits = 0;
  #moreDigitsFrom = 0;

  constructor(eventIdPrefix: string, resource: UsageResource, clock: Clock) {
    this.#eventIdPrefix = eventIdPrefix;
    this.#resource = resource;
    this.#clock = clock;
    if (eventIdPrefix !== "") this.#moreDigitsFrom = 1;
  }

  append(buffer: ByteBuffer, event: RelayUsageEvent, sequence: number): void {
    const { latencyMs } = event;
    // A number that is none of the usual is left to the way that knows all of them.
    const latency = latencyMs | 0;
    const latencySize = latency !== latencyMs || latency < 0 ? 0 : latency < 2 ** 7 ? 1 : latency < 2 ** 14 ? 2 : 0;
    if (this.#moreDigitsFrom !== 0) { while (sequence >= this.#moreDigitsFrom) this.#addDigit(); }
    let template = this.#last;
    if (template === undefined || template.latencySize !== latencySize || !this.#fits(template, event)) {
      const hash = hashOf(event, latencySize);
      template = this.#find(event, latencySize, hash);
      if (template === undefined) return this.#encode(buffer, event, sequence, latencySize, hash);
      this.#last = template;
    }
    const start = buffer.length;
    buffer.raw(template.bytes);
    setNanos(buffer, start + template.timeAt, event.timeUnixMs);
    buffer.setVarint(start + template.latencyAt, latencySize, latency);
    if (template.digits > 0) buffer.setDigits(start + template.digitsAt, template.digits, sequence);
  }

  /** At once for all: a look at the clock for each of them would take half as long as the rest. */
  stamp(buffer: ByteBuffer, start: number, ends: readonly number[]): void {
    const nowUnixMs = this.#clock.now();
    for (let i = 0; i < ends.length; i++) setNanos(buffer, start + ends[i]! - OBSERVED_BEFORE_END, nowUnixMs);
  }

  #find(event: RelayUsageEvent, latencySize: number, hash: number): Template | undefined {
    for (let step = 0; step < MAX_STEPS; step++) {
      const place = (hash + step) & (PLACES - 1);
      const template = this.#templates[place];
      if (template === undefined) return undefined;
      const isLike = this.#hashes[place] === hash && template.latencySize === latencySize;
      if (isLike && this.#fits(template, event)) return template;
    }
    return undefined;
  }

  /** Where a new template goes: a place that is free, or had by one that is alike, or by another. */
  #placeFor(hash: number): number {
    for (let step = 0; step < MAX_STEPS; step++) {
      const place = (hash + step) & (PLACES - 1);
      if (this.#templates[place] === undefined || this.#hashes[place] === hash) return place;
    }
    return (hash + (hash >>> 29)) & (PLACES - 1);
  }

  #fits(template: Template, event: RelayUsageEvent): boolean {
    return template.apiMethod === event.apiMethod && template.project === event.project &&
      template.provider === event.provider && template.origin === event.origin && template.chain === event.chain &&
      template.computeUnits === event.computeUnits && template.success === event.success &&
      template.cacheHit === event.cacheHit && template.apiInterface === event.apiInterface &&
      template.isWrite === event.isWrite && template.isArchive === event.isArchive &&
      template.isBatch === event.isBatch && template.isDebugTrace === event.isDebugTrace &&
      template.hedgeCount === event.hedgeCount && template.errorClass === event.errorClass &&
      template.attempts === event.attempts && template.digits === this.#digits;
  }

  /** The way by the record itself, of which a template is made. */
  #encode(
    buffer: ByteBuffer,
    event: RelayUsageEvent,
    sequence: number,
    latencySize: number,
    hash: number,
  ): void {
    const eventId = this.#digits === 0 ? "" : `${this.#eventIdPrefix}${sequence}`;
    const record = new UsageLogRecord(event, eventId, this.#resource, 0);
    if (latencySize === 0 || !this.#isWorthIt(hash)) return appendRecord(buffer, record);
    const start = buffer.length;
    const marks: RecordMarks = { time: 0, attributes: [] };
    appendRecord(buffer, record, marks);
    const length = buffer.length - start;
    if (length > MAX_BYTES) return;
    const digits = this.#digits;
    // Whatever is still in use comes back soon.
    if (this.#count === MAX_TEMPLATES) this.#forgetAll();
    const place = this.#placeFor(hash);
    if (this.#templates[place] === undefined) this.#count++;
    this.#hashes[place] = hash;
    this.#templates[place] = {
      ...ownTexts(event),
      bytes: buffer.viewFrom(start).slice(),
      timeAt: length - marks.time - 8,
      latencyAt: length - marks.attributes[LATENCY_FIELD]! - latencySize,
      latencySize,
      digitsAt: digits === 0 ? 0 : length - marks.attributes[ID_FIELD]! - digits,
      digits,
    };
  }

  /** Whether it is likely to come again. */
  #isWorthIt(hash: number): boolean {
    if (this.#count < MAX_TEMPLATES / 2) return true;
    const place = hash >>> 16 & (PLACES - 1);
    const hasMissed = this.#missed[place] === hash;
    this.#missed[place] = hash;
    return hasMissed;
  }

  #forgetAll(): void {
    this.#templates.fill(undefined);
    this.#count = 0;
  }

  #addDigit(): void {
    this.#digits++;
    this.#moreDigitsFrom *= 10;
  }
}

/** What an event is looked for by: enough of it to tell apart what comes side by side. */
function hashOf(event: RelayUsageEvent, latencySize: number): number {
  let hash = Math.imul(hashOfText(event.apiMethod), 0x01000193) ^ hashOfText(event.project);
  hash = Math.imul(hash, 0x01000193) ^ hashOfText(event.provider);
  hash = Math.imul(hash, 0x01000193) ^ hashOfText(event.origin);
  hash = Math.imul(hash, 0x01000193) ^ event.computeUnits << 4 ^ latencySize << 2 ^ (event.success ? 1 : 0) ^
    (event.cacheHit ? 2 : 0);
  // Every bit is to have its part in every other one, as in MurmurHash3.
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
  return hash ^ hash >>> 16;
}

/** Names that are alike differ in their last letters, or in the middle. */
function hashOfText(text: string): number {
  const { length } = text;
  if (length < 3) return length;
  return length ^ text.charCodeAt(length - 1) << 5 ^ text.charCodeAt(length - 2) << 12 ^
    text.charCodeAt(length >> 1) << 19;
}

/** The event with texts of its own: one may be a part of a whole request, which would be held with it. */
function ownTexts(event: RelayUsageEvent): RelayUsageEvent {
  const { chain, project, apiMethod, provider, origin, errorClass } = event;
  return {
    ...event,
    chain: ownText(chain),
    project: ownText(project),
    apiMethod: ownText(apiMethod),
    provider: ownText(provider),
    origin: ownText(origin),
    errorClass: ownText(errorClass),
  };
}

function ownText(text: string): string {
  return decoder.decode(encoder.encode(text));
}

/** Nanoseconds since the Unix epoch in 64 bits, in halves that doubles hold exactly; of a time that is none, 0. */
function setNanos(buffer: ByteBuffer, at: number, unixMs: number): void {
  if (!(unixMs >= 0 && unixMs < MAX_UNIX_MS)) return buffer.setUint64(at, 0, 0);
  const seconds = Math.floor(unixMs / 1000);
  const nanos = Math.floor((unixMs - seconds * 1000) * 1e6);
  const upper = Math.floor(seconds / 2 ** 16);
  const billions = upper * 1e9;
  const billionsUpper = Math.floor(billions / 2 ** 16);
  const low = (seconds - upper * 2 ** 16) * 1e9 + nanos + (billions - billionsUpper * 2 ** 16) * 2 ** 16;
  const carry = Math.floor(low / 2 ** 32);
  buffer.setUint64(at, low - carry * 2 ** 32, billionsUpper + carry);
}
