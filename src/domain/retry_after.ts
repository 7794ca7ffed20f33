/** Milliseconds that a `Retry-After` asks to wait, in seconds or as a date; 0 for none and for what is neither. */
export function parseRetryAfter(value: string | null, nowUnixMs: number): number {
  if (value === null) return 0;
  const text = value.trim();
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowUnixMs;
  return waitMs > 0 ? waitMs : 0;
}
