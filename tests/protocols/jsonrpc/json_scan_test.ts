import { assert, assertEquals } from "@std/assert";
import { MAX_DEPTH, NOT_JSON, skipSpace, skipValue, TOO_DEEP } from "../../../src/protocols/jsonrpc/json_scan.ts";

const encoder = new TextEncoder();

/** Whether the scanner takes the whole text as one JSON value. */
function accepts(text: string, maxDepth = MAX_DEPTH): boolean {
  const bytes = encoder.encode(text);
  const end = skipValue(bytes, 0, maxDepth);
  return end >= 0 && skipSpace(bytes, end) === bytes.length;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const VALID = [
  ...["null", "true", "false", "0", "-0", "7", "-7", "10", "1.5", "0.0", "1e3", "1E+3", "1e-3", "-0.5e10", "1e999"],
  ...[
    "9007199254740993",
    '""',
    '"a"',
    '"\\""',
    '"\\\\"',
    '"\\/\\b\\f\\n\\r\\t"',
    '"\\u0041"',
    '"\\uD800"',
    '"\\uabCD"',
  ],
  ...["[]", "{}", "[ ]", "{ }", "[1]", "[1,2]", "[[],{}]", '{"a":1}', '{"a":1,"b":[]}', '{"a":{"a":{}}}', '{"":""}'],
  ...['{"a":1,"a":2}', " 1 ", "\t\r\n[ 1 , 2 ]\n", '{ "a" : 1 , "b" : { } }', '"é😀"', '"\u007f"', '"\u2028"'],
];

const INVALID = [
  ...["", " ", "nul", "nulll", "Null", "tru", "truee", "fals", "NaN", "Infinity", "-Infinity", "undefined", "'a'", "a"],
  ...[
    "01",
    "-01",
    "00",
    "-",
    "+1",
    ".5",
    "1.",
    "1.e3",
    "-.5",
    "1e",
    "1e+",
    "1e-",
    "1ee3",
    "1.2.3",
    "0x1",
    "1_000",
    "1n",
  ],
  ...[
    '"',
    '"a',
    '"\\"',
    '"\\x"',
    '"\\u"',
    '"\\u12"',
    '"\\u12g4"',
    '"\\U0041"',
    '"a\nb"',
    '"\t"',
    '"\u0000"',
    '"\u001f"',
  ],
  ...["[", "]", "[1", "[1,", "[,1]", "[1,]", "[1 2]", "[1,,2]", "[}", "[1}", "[1:2]", "[[]", "[]]", "[1]]"],
  ...["{", "}", '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}', '{,"a":1}', '{"a" 1}', '{"a",1}', "{a:1}", "{1:1}"],
  ...['{"a":1]', '{"a":1 "b":2}', '{"a"::1}', "{[]:1}", "{{}}", '{"a":1}}', '{"a"}', "{:1}", "[{]}", '{"a":[}]'],
  ...[
    "1 2",
    "[] []",
    '"a""b"',
    "1,",
    ",1",
    "//1\n1",
    "1//",
    "/**/1",
    "\u00a01",
    "\u000b1",
    "\f1",
    "\ufeff1",
    "1\u0000",
  ],
];

Deno.test("what RFC 8259 calls JSON is accepted", () => {
  for (const text of VALID) {
    assert(isJson(text), `the table is wrong about ${JSON.stringify(text)}`);
    assert(accepts(text), `refused ${JSON.stringify(text)}`);
  }
});

Deno.test("what RFC 8259 does not call JSON is refused", () => {
  for (const text of INVALID) {
    assert(!isJson(text), `the table is wrong about ${JSON.stringify(text)}`);
    assert(!accepts(text), `accepted ${JSON.stringify(text)}`);
  }
});

Deno.test("every truncation of a document is refused, and never read past its end", () => {
  const text = '{"a":[1.5e3,-0,"x\\u0041\\n",{"b":null}],"c":[true,false,{}],"d":{"e":"f"}}';
  for (let length = 0; length < text.length; length++) {
    assertEquals(accepts(text.slice(0, length)), false, `accepted ${text.slice(0, length)}`);
    const padded = encoder.encode(text);
    const cut = padded.subarray(0, length);
    assert(skipValue(cut, 0, MAX_DEPTH) < 0, `the bytes behind a view of ${length} were read`);
  }
});

Deno.test("the position after a value is that of its last byte, whatever follows", () => {
  const cases: [text: string, at: number, end: number][] = [
    ['{"a":1} x', 0, 7],
    ["[1,[2]],3", 0, 7],
    ["  12,3", 0, 4],
    ['"a":1', 0, 3],
    ["nullnull", 0, 4],
    ["x[]y", 1, 3],
    ["01", 0, 1],
  ];
  for (const [text, at, end] of cases) assertEquals(skipValue(encoder.encode(text), at, MAX_DEPTH), end, text);
});

Deno.test("containers nest as deep as allowed and not one deeper, whichever they are", () => {
  const nests: [name: string, open: string, inner: string, close: string][] = [
    ["arrays", "[", "", "]"],
    ["arrays around a number", "[", "1", "]"],
    ["objects", '{"a":', "{}", "}"],
    ["objects around a string", '{"a":', '"x"', "}"],
    ["both", '[{"a":', "[]", "}]"],
  ];
  for (const [name, open, inner, close] of nests) {
    const perRound = open.split(/[[{]/).length - 1;
    for (const rounds of [1, 2, 64, 1000]) {
      const text = open.repeat(rounds) + inner + close.repeat(rounds);
      const depth = perRound * rounds + (/[[{]/.test(inner) ? 1 : 0);
      assertEquals(skipValue(encoder.encode(text), 0, depth), text.length, `${depth} ${name} at the limit`);
      assertEquals(skipValue(encoder.encode(text), 0, depth - 1), TOO_DEEP, `${depth} ${name} over the limit`);
    }
  }
  const siblings = encoder.encode("[[],[],[[]],[{}]]");
  assertEquals(skipValue(siblings, 0, 3), siblings.length, "siblings don't add up");
  assertEquals(skipValue(encoder.encode("1"), 0, 0), 1, "a scalar nests nothing");
});

Deno.test("the hard limit on nesting holds when a higher one is asked for", () => {
  const nested = (depth: number) => encoder.encode("[".repeat(depth) + "]".repeat(depth));
  assertEquals(skipValue(nested(MAX_DEPTH), 0, Infinity), 2 * MAX_DEPTH);
  assertEquals(skipValue(nested(MAX_DEPTH + 1), 0, Infinity), TOO_DEEP);
  assertEquals(skipValue(encoder.encode("[".repeat(1_000_000)), 0, Infinity), TOO_DEEP);
  assertEquals(skipValue(encoder.encode("[".repeat(MAX_DEPTH)), 0, Infinity), NOT_JSON);
});

/** The generator mulberry32: numbers from 0 up to `below`. */
function random(seed: number): (below: number) => number {
  return (below) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor(((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296 * below);
  };
}

const SCALARS = VALID.filter((text) => !/[[{\s\u0080-\uffff]/.test(text));
const SPACES = ["", "", "", " ", "\n", "\t\r"];
// Weighted towards what the grammar gives a meaning to: letters alone would rarely change the verdict.
const BYTES = '{}[]:,"\\/+-.eE0123456789truefalsnullabdu \n\t\r\u0000\u001f\u007fxX';

function generate(next: (below: number) => number, depth: number): string {
  const space = () => SPACES[next(SPACES.length)]!;
  const kind = depth === 0 ? 2 : next(4);
  if (kind > 1) return space() + SCALARS[next(SCALARS.length)]! + space();
  const items = Array.from({ length: next(4) }, () => {
    const value = generate(next, depth - 1);
    return kind === 0 ? value : `${space()}"k${next(9)}"${space()}:${value}`;
  });
  return space() + (kind === 0 ? `[${items.join(",") || space()}]` : `{${items.join(",") || space()}}`) + space();
}

function mutate(text: string, next: (below: number) => number): string {
  const at = next(text.length + 1);
  const byte = BYTES[next(BYTES.length)]!;
  switch (next(4)) {
    case 0:
      return text.slice(0, at) + byte + text.slice(at);
    case 1:
      return text.slice(0, at) + text.slice(at + 1);
    case 2:
      return text.slice(0, at) + byte + text.slice(at + 1);
    default: {
      const from = next(text.length + 1);
      return text.slice(0, at) + text.slice(from, from + 1 + next(5)) + text.slice(at);
    }
  }
}

Deno.test("the scanner and JSON.parse agree on generated and on damaged documents", () => {
  const seed = Date.now() >>> 0;
  const next = random(seed);
  const verdicts = { accepted: 0, refused: 0 };
  const stopAt = performance.now() + 1_500;
  for (let round = 0; round < 30_000 && performance.now() < stopAt; round++) {
    let text = generate(next, 1 + next(5));
    assert(isJson(text), `seed ${seed}: the generator made ${JSON.stringify(text)}`);
    for (let damage = 0; damage < 4; damage++) {
      const expected = isJson(text);
      verdicts[expected ? "accepted" : "refused"]++;
      assertEquals(accepts(text), expected, `seed ${seed}, round ${round}: ${JSON.stringify(text)}`);
      text = mutate(text, next);
    }
  }
  assert(verdicts.accepted > 100 && verdicts.refused > 100, `one-sided: ${JSON.stringify(verdicts)}`);
});
