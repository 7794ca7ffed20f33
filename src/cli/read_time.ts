import { parseDuration } from "../domain/duration.ts";

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/;

/**
 * Milliseconds since the Unix epoch of a day (its start, in UTC), of a moment with its time zone, or of a duration ago.
 * Undefined for anything else: a moment without a zone means another one on each machine.
 */
export function readTime(text: string, nowUnixMs: number): number | undefined {
  const agoMs = parseDuration(text);
  if (agoMs !== undefined && text !== "0") return nowUnixMs - agoMs;
  if (!DATE.test(text) && !DATE_TIME.test(text)) return undefined;
  const unixMs = Date.parse(text);
  const day = text.slice(0, 10);
  // The platform takes the 31st of February for one in March.
  const isReal = Number.isFinite(unixMs) && new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
  return isReal ? unixMs : undefined;
}
