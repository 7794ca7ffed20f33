import { assert, assertEquals, assertMatch } from "@std/assert";
import { failure } from "../../../src/domain/relay_error.ts";
import type { ProtocolCall } from "../../../src/domain/relay_request.ts";
import { createJsonRpcCodec } from "../../../src/protocols/jsonrpc/codec.ts";
import { wireRequest } from "../../support/wire.ts";

const codec = createJsonRpcCodec({ maxBatchSize: 10 });
const encoder = new TextEncoder();
const TIMEOUT = failure("upstream_timeout", "too slow").error;

function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}

function callOf(body: string | Uint8Array<ArrayBuffer>): ProtocolCall {
  const decoded = codec.decode(wireRequest(body));
  assert(decoded.kind === "call", `refused ${typeof body === "string" ? body.slice(0, 200) : body}`);
  return decoded.call;
}

/** Status of a refusal, and what a client sees of each error: its code and its id. */
function refusalOf(body: string | Uint8Array<ArrayBuffer>): [status: number, errors: unknown] {
  const decoded = codec.decode(wireRequest(body));
  assert(decoded.kind === "response", `accepted ${typeof body === "string" ? body.slice(0, 200) : body}`);
  const parsed = JSON.parse(textOf(decoded.response.body)!);
  const facts = (message: { jsonrpc: string; error: { code: number; message: string }; id: unknown }) => {
    assertEquals(message.jsonrpc, "2.0");
    assertMatch(message.error.message, /\S/);
    return [message.error.code, message.id];
  };
  return [decoded.response.status, Array.isArray(parsed) ? parsed.map(facts) : facts(parsed)];
}

/** The id of the answer to a call, as raw text. */
function echoedId(body: string): string | undefined {
  return /"id":(.*?),"error":/.exec(textOf(callOf(body).encodeError(TIMEOUT).body) ?? "")?.[1];
}

Deno.test("the calls among the examples of the specification go to the node with their own method and params", () => {
  const cases: [body: string, names: string[], sent: string][] = [
    [
      '{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}',
      ["subtract"],
      '{"jsonrpc":"2.0","id":1,"method":"subtract","params":[42, 23]}',
    ],
    [
      '{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": 4}',
      ["subtract"],
      '{"jsonrpc":"2.0","id":1,"method":"subtract","params":{"minuend": 42, "subtrahend": 23}}',
    ],
    [
      '{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}',
      ["update"],
      '{"jsonrpc":"2.0","id":1,"method":"update","params":[1,2,3,4,5]}',
    ],
    ['{"jsonrpc": "2.0", "method": "foobar"}', ["foobar"], '{"jsonrpc":"2.0","id":1,"method":"foobar"}'],
    [
      '[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"}, {"jsonrpc": "2.0", "method": "hello", ' +
      '"params": [7]}, {"foo": "boo"}, {"jsonrpc": "2.0", "method": "get_data", "id": "9"}]',
      ["sum", "hello", "get_data"],
      '[{"jsonrpc":"2.0","id":1,"method":"sum","params":[1,2,4]},{"jsonrpc":"2.0","id":2,"method":"hello",' +
      '"params":[7]},{"jsonrpc":"2.0","id":3,"method":"get_data"}]',
    ],
  ];
  for (const [body, names, sent] of cases) {
    const call = callOf(body);
    assertEquals(call.targets.map(({ name }) => name), names, body);
    assertEquals(textOf(call.nodeRequest.body), sent, body);
    assertEquals(call.isBatch, body.startsWith("["), body);
  }
});

Deno.test("what is no request is refused with the code of the specification and the caller's id where it has one", () => {
  const long = (bytes: number) => `{"jsonrpc":"2.0","id":5,"method":"${"m".repeat(bytes)}"}`;
  const deep = (levels: number) =>
    `{"jsonrpc":"2.0","id":5,"method":"m","params":${"[".repeat(levels)}${"]".repeat(levels)}}`;
  const invalid = (id: unknown) => [400, [-32600, id]];
  const parse = [400, [-32700, null]];
  const cases: [body: string, expected: unknown][] = [
    ['{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]', parse],
    ['{"jsonrpc": "2.0", "method": 1, "params": "bar"}', invalid(null)],
    ['[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},{"jsonrpc": "2.0", "method"]', parse],
    ["[]", invalid(null)],
    ["[1]", [200, [[-32600, null]]]],
    ["[1,2,3]", [200, [[-32600, null], [-32600, null], [-32600, null]]]],
    ['[{"foo":"boo"},{"id":7}]', [200, [[-32600, null], [-32600, 7]]]],
    ...["", " ", "{", '{"jsonrpc":"2.0","id":1,"method":"m"}}', '{"jsonrpc":"2.0","id":1,"method":"m"},', "nul", "["]
      .map((body): [string, unknown] => [body, parse]),
    ['\ufeff{"jsonrpc":"2.0","id":1,"method":"m"}', parse],
    ['{"jsonrpc":"2.0","id":01,"method":"m"}', parse],
    ['{"jsonrpc":"2.0","id":1,"method":"m","params":[1,]}', parse],
    ['{"jsonrpc":"2.0","id":1,"method":"\\x"}', parse],
    ...["1", '"m"', "null", "true", "{}"].map((body): [string, unknown] => [body, invalid(null)]),
    ...['"2"', '"1.0"', "2.0", "2", "null", '" 2.0"', '["2.0"]'].map((version): [string, unknown] => [
      `{"jsonrpc":${version},"id":5,"method":"m"}`,
      invalid(5),
    ]),
    ['{"id":5,"method":"m"}', invalid(5)],
    ['{"jsonrpc":"2.0","id":5}', invalid(5)],
    ['{"jsonrpc":"2.0","method":null,"id":"x"}', invalid("x")],
    ...['"bar"', "1", "true", "-1"].map((params): [string, unknown] => [
      `{"jsonrpc":"2.0","id":5,"method":"m","params":${params}}`,
      invalid(5),
    ]),
    ...["true", "{}", "[1]"].map((
      id,
    ): [string, unknown] => [`{"jsonrpc":"2.0","id":${id},"method":"m"}`, invalid(null)]),
    [long(257), invalid(5)],
    [deep(200), [400, [-32600, null]]],
    [`[${deep(200)}]`, [400, [-32600, null]]],
    ["[".repeat(100_000), [400, [-32600, null]]],
    ['{"jsonrpc":"2.0","id":5,"id":6,"method":"m"}', invalid(null)],
    ['{"jsonrpc":"2.0","id":5,"\\u0069d":6,"method":"m"}', invalid(null)],
  ];
  for (const [body, expected] of cases) assertEquals<unknown>(refusalOf(body), expected, body.slice(0, 200));
});

Deno.test("a member that stands twice is refused, with the caller's id where that stands once", () => {
  const cases: [members: string, id: number | null][] = [
    ['"id":5,"id":6,"method":"m"', null],
    ['"id":5,"\\u0069d":6,"method":"m"', null],
    ['"id":5,"method":"m","id":5,"method":"m"', null],
    ['"id":5,"method":"m","method":"n"', 5],
    ['"id":5,"method":"m","\\u006dethod":"n"', 5],
    ['"method":"m","params":[],"params":[],"id":5', 5],
    ['"jsonrpc":"2.0","id":5,"method":"m"', 5],
  ];
  for (const [members, id] of cases) {
    assertEquals<unknown>(refusalOf(`{"jsonrpc":"2.0",${members}}`), [400, [-32600, id]], members);
  }
});

Deno.test("a version written with an escape is the same version", () => {
  assertEquals(callOf('{"jsonrpc":"\\u0032.0","id":3,"method":"m"}').targets.map(({ name }) => name), ["m"]);
});

Deno.test("bytes that are not UTF-8 are refused wherever they stand", () => {
  const inString = encoder.encode('{"jsonrpc":"2.0","id":1,"method":"m","params":["?"]}');
  for (const damage of [0x80, 0xc0, 0xe2, 0xed, 0xff]) {
    const body = Uint8Array.from(inString, (byte) => byte === 0x3f ? damage : byte);
    assertEquals<unknown>(refusalOf(body), [400, [-32700, null]], damage.toString(16));
  }
  // A surrogate in UTF-8 (CESU-8), and a character in more bytes than it needs.
  for (const bytes of [[0xed, 0xa0, 0x80], [0xc1, 0x81], [0xf4, 0x90, 0x80, 0x80]]) {
    const body = new Uint8Array([...inString.subarray(0, 48), ...bytes, ...inString.subarray(49)]);
    assertEquals<unknown>(refusalOf(body), [400, [-32700, null]], String(bytes));
  }
});

Deno.test("an id comes back as the bytes that came, and a call without one is not answered", () => {
  const ids = ["9007199254740993", '"x"', "1.0", "null", "-0", "1e3", '"\\u0041"', '""', '"a\\"b"', '"é😀"', "-1.5E-7"];
  for (const id of [...ids, '"\\ud800"', "123456789012345678901234567890", '"],[{"', '"\\u0069d"']) {
    assertEquals(echoedId(`{"jsonrpc":"2.0","method":"m","id": ${id}\n}`), id);
    assertEquals(echoedId(`{"id" :\t${id} ,"jsonrpc":"2.0","method":"m"}`), id, "first member");
    assertEquals(echoedId(`{"jsonrpc":"2.0","method":"m","\\u0069\\u0064":${id}}`), id, "escaped member name");
    assertEquals(echoedId(`[{"jsonrpc":"2.0","method":"m","id":${id}}]`), id, "in a batch");
  }
  for (const body of ['{"jsonrpc":"2.0","method":"m"}', '[{"jsonrpc":"2.0","method":"m"}]']) {
    assertEquals(callOf(body).encodeError(TIMEOUT).body, null, body);
  }
  assertEquals(echoedId('{"jsonrpc":"2.0","method":"m","params":{"id":7},"Id":8,"ID":9,"id":"own"}'), '"own"');
});

Deno.test("what a caller may write in more than one way means the same", () => {
  const plain = '{"jsonrpc":"2.0","id":1,"method":"m","params":[]}';
  const cases: [name: string, body: string, sent: string][] = [
    ["white space", ' \n{\t"jsonrpc"\r: "2.0" , "id" : 3 ,"method" : "m" , "params" : [] } \r\n', plain],
    ["another order", '{"params":[],"method":"m","id":3,"jsonrpc":"2.0"}', plain],
    ["escaped names", '{"\\u006asonrpc":"2.0","\\u0069d":3,"\\u006Dethod":"m","p\\u0061rams":[]}', plain],
    ["foreign members", '{"jsonrpc":"2.0","id":3,"method":"m","params":[],"x":{"id":1,"id":1},"x":2}', plain],
    ["null params", '{"jsonrpc":"2.0","id":3,"method":"m","params":null}', '{"jsonrpc":"2.0","id":1,"method":"m"}'],
    ["inner space is params' own", '{"jsonrpc":"2.0","id":3,"method":"m","params":[ ]}', plain.replace("[]", "[ ]")],
  ];
  for (const [name, body, sent] of cases) assertEquals(textOf(callOf(body).nodeRequest.body), sent, name);
});

Deno.test("the name of a call is the text of its method, and the node gets the method's own bytes", () => {
  const cases: [method: string, name: string][] = [
    ["__proto__", "__proto__"],
    ["constructor", "constructor"],
    ["toString", "toString"],
    ["", ""],
    ["eth_\\u0063all", "eth_call"],
    ['a\\/b\\\\c\\"d', 'a/b\\c"d'],
    ["é😀\u007f", "é😀\u007f"],
    ["\\ud83d\\ude00", "😀"],
    ["\\ud800", "\ufffd"],
    ["\\ufeffm", "\ufeffm"],
    ["m".repeat(256), "m".repeat(256)],
  ];
  for (const [method, name] of cases) {
    const call = callOf(`{"jsonrpc":"2.0","id":1,"method":"${method}"}`);
    assertEquals(call.targets.map(({ name }) => name), [name]);
    assertEquals(textOf(call.nodeRequest.body), `{"jsonrpc":"2.0","id":1,"method":"${method}"}`);
  }
});

Deno.test("a batch may be as long as the limit, and one call more is refused with 429", () => {
  const batch = (size: number) => `[${Array(size).fill('{"jsonrpc":"2.0","id":1,"method":"m"}').join(" , ")}]`;
  assertEquals(callOf(batch(1)).isBatch, true);
  assertEquals(callOf(batch(10)).targets.length, 10);
  assertEquals<unknown>(refusalOf(batch(11)), [429, [429, null]]);
  assertEquals<unknown>(refusalOf(`[${Array(11).fill("1")}]`), [429, [429, null]], "what is no call counts too");
  const unlimited = createJsonRpcCodec({ maxBatchSize: Infinity });
  assertEquals(unlimited.decode(wireRequest(batch(5000))).kind, "call");
});

Deno.test("an error of the relay answers every call of a batch in order, and what was no call with its own", () => {
  const body =
    '[{"jsonrpc":"2.0","id":"a","method":"m"},1,{"jsonrpc":"2.0","method":"n"},{"jsonrpc":"2.0","id":2,"method":"o"}]';
  const answers = JSON.parse(textOf(callOf(body).encodeError(TIMEOUT).body)!);
  const facts = answers.map((
    { id, error }: { id: unknown; error: { data: { code: string } } },
  ) => [id, error.data.code]);
  assertEquals(facts, [["a", "upstream_timeout"], [null, "invalid_request"], [2, "upstream_timeout"]]);
});

Deno.test("an error that belongs to no call has a null id and tells the relay's own name for it", () => {
  const error = JSON.parse(textOf(codec.encodeError(failure("body_too_large", 'over "1 MiB"').error).body)!);
  const data = { code: "body_too_large" };
  assertEquals(error, { jsonrpc: "2.0", id: null, error: { code: -32600, message: 'over "1 MiB"', data } });
});
