import { assertEquals } from "@std/assert";
import { BodyDecoder } from "../../../src/hosts/http1/body_decoder.ts";
import { CHUNKED } from "../../../src/hosts/http1/request_head.ts";
import { latin1Bytes } from "../../support/http1_parse.ts";

/** What becomes of a body: its bytes, `>` and what is left behind it; or its state. */
function decode(text: string, splits: readonly number[] = [], length = CHUNKED, maxBytes = 100, isKept = true): string {
  const bytes = latin1Bytes(text);
  const decoder = new BodyDecoder(length, maxBytes, isKept);
  let start = 0;
  for (const end of [...splits, bytes.length]) start = decoder.push(bytes, start, end);
  if (decoder.state !== "done") return decoder.state;
  return `${String.fromCharCode(...decoder.body)}>${text.slice(start)}`;
}

const CASES: readonly (readonly [string, string])[] = [
  ["0\r\n\r\n", ">"],
  ["5\r\nhello\r\n0\r\n\r\nGET /", "hello>GET /"],
  ["5\r\nhello\r\n006\r\n world\r\n00\r\n\r\n", "hello world>"],
  ["a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789>"],
  ['5;a\r\nhello\r\n0;b=c;d="e f"\r\n\r\n', "hello>"],
  ["0\r\nx: y\r\nz:\r\n\r\nGET", ">GET"],
  ["64\r\n" + "x".repeat(100) + "\r\n0\r\n\r\n", `${"x".repeat(100)}>`],
  ["65\r\n", "too_large"],
  ["63\r\n" + "x".repeat(99) + "\r\n2\r\n", "too_large"],
  ["ffffffff\r\n", "too_large"],
  ["5\r\nhello", "more"],
  ["5\r\nhello\r\n", "more"],
  ["0\r\n", "more"],
  ["0\r\nx: y\r\n", "more"],
  ["\r\n", "bad"],
  [" 5\r\nhello\r\n", "bad"],
  ["5 \r\nhello\r\n", "bad"],
  ["5\nhello\n", "bad"],
  ["5\r\nhello\n", "bad"],
  ["5\r\nhello0\r\n", "bad"],
  ["5\r\nhellooo\r\n", "bad"],
  ["5\r\nhello\rX", "bad"],
  ["g\r\n", "bad"],
  ["0x5\r\n", "bad"],
  ["-5\r\n", "bad"],
  ["+5\r\n", "bad"],
  ["5,5\r\n", "bad"],
  ["000000005\r\n", "bad"],
  ["100000000\r\n", "bad"],
  ["5;\r\nhello\r\n", "bad"],
  ["5;a=\r\nhello\r\n", "bad"],
  ["5;a\rb\r\nhello\r\n", "bad"],
  ['5;a="\x00"\r\nhello\r\n', "bad"],
  [`5;${"a".repeat(300)}`, "bad"],
  ["1;a=bbbbbbbbbbbbbbb\r\nx\r\n".repeat(50) + "0\r\n\r\n", `${"x".repeat(50)}>`],
  ["0\r\nx : y\r\n\r\n", "bad"],
  ["0\r\nx: y\n\r\n", "bad"],
  ["0\r\n y\r\n\r\n", "bad"],
  ["0\r\nx: \x00\r\n\r\n", "bad"],
  ["0\r\nx\r\n\r\n", "bad"],
  ["0\r\n\n", "bad"],
  [`0\r\nx: ${"y".repeat(3_000)}`, "bad"],
  [`0\r\n${`x: ${"y".repeat(1_000)}\r\n`.repeat(9)}\r\n`, "bad"],
];

for (const [text, expected] of CASES) {
  Deno.test(`chunks ${JSON.stringify(text.slice(0, 60))} are ${expected.slice(0, 40)}, wherever they are split`, () => {
    assertEquals(decode(text), expected);
    const places = Array.from(text, (_, at) => at).filter((at) => text.length < 500 || at % 97 === 0);
    for (const at of places) assertEquals(decode(text, [at]), expected, `split at ${at}`);
    assertEquals(decode(text, places), expected, "in small parts");
  });
}

Deno.test("extensions are bounded, as they cost their sender next to nothing", () => {
  const chunk = `1;a=${"b".repeat(200)}\r\nx\r\n`;
  assertEquals(decode(chunk.repeat(39) + "0\r\n\r\n"), `${"x".repeat(39)}>`);
  assertEquals(decode(chunk.repeat(41)), "bad");
});

Deno.test("a body of a length ends with it", () => {
  const cases: readonly (readonly [string, number, string])[] = [
    ["hello", 5, "hello>"],
    ["hello GET", 5, "hello> GET"],
    ["hell", 5, "more"],
    ["x".repeat(100), 100, `${"x".repeat(100)}>`],
    ["", 101, "too_large"],
  ];
  for (const [text, length, expected] of cases) {
    assertEquals(decode(text, [], length), expected);
    for (let at = 0; at < text.length; at++) assertEquals(decode(text, [at], length), expected);
  }
});

Deno.test("a body that nobody wants is counted and not kept", () => {
  assertEquals(decode("hello GET", [2], 5, 100, false), "> GET");
  assertEquals(decode("5\r\nhello\r\n0\r\n\r\nGET", [2], CHUNKED, 100, false), ">GET");
  assertEquals(decode("65\r\n", [], CHUNKED, 100, false), "too_large");
});
