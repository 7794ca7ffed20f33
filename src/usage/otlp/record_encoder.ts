import type { Clock } from "../../domain/clock.ts";
import { UsageLogRecord, type UsageResource } from "../log_record.ts";
import type { OtlpEncoding, RelayEncoder } from "./encoding.ts";

/** Encodes events by way of their records, one by one. */
export function recordEncoder(
  { appendRecord }: Pick<OtlpEncoding, "appendRecord">,
  eventIdPrefix: string,
  resource: UsageResource,
  clock: Clock,
): RelayEncoder {
  return {
    append(buffer, event, sequence) {
      const eventId = eventIdPrefix === "" ? "" : `${eventIdPrefix}${sequence}`;
      appendRecord(buffer, new UsageLogRecord(event, eventId, resource, clock.now()));
    },
  };
}
