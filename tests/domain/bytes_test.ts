import { assertEquals } from "@std/assert";
import { copyBytes, passingBytes } from "../../src/domain/bytes.ts";

Deno.test("bytes in passing are zero at first and nobody else's, of whatever length", () => {
  const taken: { readonly bytes: Uint8Array; readonly mark: number }[] = [];
  for (let i = 0; i < 2_000; i++) {
    const length = (i * 37) % 1_500;
    const bytes = passingBytes(length);
    assertEquals([bytes.length, bytes.every((byte) => byte === 0)], [length, true]);
    bytes.fill(i % 251 + 1);
    taken.push({ bytes, mark: i % 251 + 1 });
  }
  assertEquals(taken.every(({ bytes, mark }) => bytes.every((byte) => byte === mark)), true);
});

Deno.test("bytes are copied to their place, few and many, all of an array or part of it", () => {
  const from = Uint8Array.from({ length: 300 }, (_, i) => i % 256);
  for (const [start, end] of [[0, 300], [0, 0], [3, 10], [7, 250], [299, 300]] as const) {
    const into = new Uint8Array(310);
    copyBytes(from, start, end, into, 5);
    assertEquals([...into.subarray(5, 5 + end - start)], [...from.subarray(start, end)]);
    assertEquals([into[4], into[5 + end - start]], [0, 0]);
  }
});
