import { assertEquals } from "@std/assert";
import { readHeightHeader } from "../../src/hosts/height_header.ts";

const read = (headers: Record<string, string>) => readHeightHeader(new Headers(headers));

Deno.test("the height that a query is about", () => {
  const height = { from: 17, to: 17 };
  assertEquals(read({ "x-cosmos-block-height": "17" }), height);
  assertEquals(read({ "grpc-metadata-x-cosmos-block-height": "17" }), height);
  assertEquals(read({ "x-cosmos-block-height": "0", "grpc-metadata-x-cosmos-block-height": "17" }), height);
  for (const none of ["0", "-1", "x", "1e9", "17, 18", "9".repeat(20)]) {
    assertEquals(read({ "x-cosmos-block-height": none }), undefined);
  }
  assertEquals(read({}), undefined);
});
