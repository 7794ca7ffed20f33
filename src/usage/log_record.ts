import type { UsageEvent } from "../domain/usage_event.ts";
import { type AttributeField, cleanDouble, cleanInt, cleanText, fieldsOf } from "./attributes.ts";

/** Severity of every usage record: INFO. */
export const SEVERITY_INFO = 9;

/** The instrumentation scope of every usage record. One object, since exporters group records by its identity. */
export const SCOPE = { name: "relaymeter" } as const;

/** Seconds and nanoseconds. */
export type HrTime = [seconds: number, nanoseconds: number];

/** Says which process records come from, in the shape of the OpenTelemetry SDK. */
export class UsageResource {
  /** Attributes by name. */
  readonly attributes: Readonly<Record<string, string>>;

  /** Takes the attributes as they are. */
  constructor(attributes: Readonly<Record<string, string>>) {
    this.attributes = attributes;
  }

  /** This resource with the attributes of another on top. */
  merge(other: { readonly attributes: object } | null): UsageResource {
    return new UsageResource({ ...this.attributes, ...other?.attributes });
  }

  /** The attributes as pairs. */
  getRawAttributes(): [string, string][] {
    return Object.entries(this.attributes);
  }
}

/**
 * The log record of one usage event, readable by any log exporter of the OpenTelemetry ecosystem. Holds a reference to
 * the event; attributes come to be when an exporter asks for them. Carries no trace context.
 *
 * @example An exporter that writes lines
 * ```ts
 * import { createOtelUsageSink, createRelay, type UsageLogExporter } from "@relaymeter/relay";
 *
 * const lines: string[] = [];
 * const exporter: UsageLogExporter = {
 *   export(records, done) {
 *     for (const { body, attributes } of records) lines.push(JSON.stringify({ body, ...attributes }));
 *     done({ code: 0 });
 *   },
 *   shutdown: () => Promise.resolve(),
 * };
 * const usage = await createOtelUsageSink({ exporter });
 * const relay = createRelay({
 *   chainId: "ETH1",
 *   providers: [{ name: "a", nodeUrls: [{ url: "https://node.example" }] }],
 *   usage,
 *   fetch: () => Promise.resolve(new Response('{"jsonrpc":"2.0","id":1,"result":"0x1"}')),
 * });
 * await relay.fetch(
 *   new Request("http://relay.example/", {
 *     method: "POST",
 *     headers: { "content-type": "application/json" },
 *     body: '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}',
 *   }),
 * );
 * await relay.close();
 * await usage.close();
 * if (!lines[0]?.includes('"api_method":"eth_chainId"')) throw new Error("each call has its line");
 * ```
 */
export class UsageLogRecord {
  /** What happened. */
  readonly event: UsageEvent;
  /** `<service.instance.id>/<boot id>/<sequence>`; empty for events that have none. */
  readonly eventId: string;
  /** Which process it happened in. */
  readonly resource: UsageResource;
  /** When the record was made. */
  readonly hrTimeObserved: HrTime;
  /** The attributes that the record has. */
  readonly fields: readonly AttributeField<UsageEvent>[];
  /** INFO. */
  readonly severityNumber: number = SEVERITY_INFO;
  /** The product. */
  readonly instrumentationScope: { readonly name: string } = SCOPE;
  /** None. */
  readonly droppedAttributesCount: number = 0;

  /** An `eventId` that is not empty makes the record an extended one. */
  constructor(event: UsageEvent, eventId: string, resource: UsageResource, observedUnixMs: number) {
    this.event = event;
    this.eventId = eventId;
    this.resource = resource;
    this.hrTimeObserved = toHrTime(observedUnixMs);
    this.fields = fieldsOf(event, eventId !== "");
  }

  /** The kind of the event. */
  get body(): string {
    return this.event.kind;
  }

  /** The kind of the event. */
  get eventName(): string {
    return this.event.kind;
  }

  /** When the event happened. */
  get hrTime(): HrTime {
    return toHrTime(this.event.timeUnixMs);
  }

  /** Attributes by name. */
  get attributes(): Record<string, string | number | boolean> {
    const attributes: Record<string, string | number | boolean> = {};
    for (const { name, type, read } of this.fields) {
      const value = read(this.event, this.eventId);
      attributes[name] = type === "string"
        ? cleanText(value as string)
        : type === "bool"
        ? value
        : type === "int"
        ? cleanInt(value as number)
        : cleanDouble(value as number);
    }
    return attributes;
  }
}

/** Milliseconds whose nanoseconds 64 bits can hold: to the year 2554. */
export const MAX_UNIX_MS = 18_446_744_073_709;

/** Milliseconds as seconds and nanoseconds; a time that is none, or does not fit the wire, becomes the epoch. */
function toHrTime(unixMs: number): HrTime {
  if (!(unixMs >= 0 && unixMs < MAX_UNIX_MS)) return [0, 0];
  const seconds = Math.floor(unixMs / 1000);
  return [seconds, Math.floor((unixMs - seconds * 1000) * 1e6)];
}
