/** What the program may do when it is one file: everything that its flags can ask for, and no more. */
export const PERMISSIONS: readonly string[] = [
  "--allow-net",
  "--allow-env",
  "--allow-read",
  "--allow-write",
  "--allow-sys=hostname",
];

/**
 * Young memory of this many MiB at the most, of which the runtime would take 16 three times: less of it stays in the
 * processor's caches, and costs no more time.
 */
export const V8_FLAGS = "--v8-flags=--max-semi-space-size=8";

/** Bytes as they are read. */
export function mib(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
