import type { HrTime } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import type { ReadableLogRecord } from "@opentelemetry/sdk-logs";
import type { UsageEvent } from "../domain/usage_event.ts";
import { attributesOf } from "./attributes.ts";

/** Severity of every usage record: INFO. */
const SEVERITY_INFO = 9;

/** The instrumentation scope of every usage record. One object, since exporters group records by its identity. */
const SCOPE = { name: "relaymeter" };

/** The OpenTelemetry log record of a usage event. Carries no trace context. */
export function toLogRecord(event: UsageEvent, resource: Resource, observedUnixMs: number): ReadableLogRecord {
  return {
    hrTime: toHrTime(event.timeUnixMs),
    hrTimeObserved: toHrTime(observedUnixMs),
    severityNumber: SEVERITY_INFO,
    body: event.kind,
    eventName: event.kind,
    resource,
    instrumentationScope: SCOPE,
    attributes: attributesOf(event),
    droppedAttributesCount: 0,
  };
}

/** Seconds and nanoseconds. */
function toHrTime(unixMs: number): HrTime {
  const seconds = Math.floor(unixMs / 1000);
  return [seconds, Math.round((unixMs - seconds * 1000) * 1e6)];
}
