const encoder = new TextEncoder();

/** Writes a text to standard output, with a line break. */
export function print(text: string): void {
  write(Deno.stdout, `${text}\n`);
}

/** Writes a text to standard error, with a line break. */
export function printError(text: string): void {
  write(Deno.stderr, `${text}\n`);
}

/** Writes all of a text; gives up when nobody reads any more. */
export function write(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let bytes = encoder.encode(text);
  try {
    while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
  } catch {
    // A closed pipe must not take the relay down.
  }
}
