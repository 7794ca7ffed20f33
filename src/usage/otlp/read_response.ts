/** Most bytes of a collector's answer that are read; a partial success says what it has to in far less. */
const MAX_RESPONSE_BYTES = 64 * 1024;

/**
 * The body of a collector's answer, as far as it came: never more than 64 KiB. Its status has said all that counts, so
 * that a body that breaks off, or has no end, changes nothing.
 */
export async function readResponse(response: Response): Promise<Uint8Array> {
  const answer = new Uint8Array(MAX_RESPONSE_BYTES);
  let length = 0;
  try {
    for await (const chunk of response.body ?? []) {
      const fitting = chunk.subarray(0, MAX_RESPONSE_BYTES - length);
      answer.set(fitting, length);
      length += fitting.length;
      if (length === MAX_RESPONSE_BYTES) break;
    }
  } catch {
    // What came before is kept.
  }
  return answer.subarray(0, length);
}
