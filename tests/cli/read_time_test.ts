import { assertEquals } from "@std/assert";
import { readTime } from "../../src/cli/read_time.ts";

Deno.test("a time is a day, a moment with its zone, or a duration ago", () => {
  const now = Date.UTC(2026, 10, 24, 12);
  const read = (text: string) => {
    const unixMs = readTime(text, now);
    return unixMs === undefined ? undefined : new Date(unixMs).toISOString();
  };
  assertEquals(read("2026-11-01"), "2026-11-01T00:00:00.000Z");
  assertEquals(read("2026-11-01T12:30Z"), "2026-11-01T12:30:00.000Z");
  assertEquals(read("2026-11-01T12:30:05.5+02:00"), "2026-11-01T10:30:05.500Z");
  assertEquals(read("36h"), "2026-11-23T00:00:00.000Z");
  for (const text of ["", "0", "yesterday", "2026-11", "2026-11-01T12:30", "2026-02-30", "2026-13-01", "1767225600"]) {
    assertEquals(read(text), undefined, text);
  }
});
