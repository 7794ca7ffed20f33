/** Milliseconds of each unit. */
const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

const MAX_DIGITS = 8;

/** Milliseconds of a `grpc-timeout`, undefined for one that is none. */
export function parseTimeout(text: string): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(text);
  return match === null ? undefined : Number(match[1]) * UNIT_MS[match[2]!]!;
}

/** Milliseconds as a `grpc-timeout`, never longer than they are. */
export function formatTimeout(ms: number): string {
  const micros = Math.max(0, Math.floor(ms * 1_000));
  if (String(micros).length <= MAX_DIGITS) return `${micros}u`;
  const millis = Math.floor(ms);
  if (String(millis).length <= MAX_DIGITS) return `${millis}m`;
  return `${Math.min(Math.floor(ms / 1_000), 10 ** MAX_DIGITS - 1)}S`;
}
