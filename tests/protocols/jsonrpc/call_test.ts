import { assert, assertEquals } from "@std/assert";
import type { RelayErrorCode } from "../../../src/domain/relay_error.ts";
import type { Reading } from "../../../src/domain/relay_request.ts";
import { createJsonRpcCodec } from "../../../src/protocols/jsonrpc/codec.ts";
import { nodeReply, wireRequest } from "../../support/wire.ts";

const encoder = new TextEncoder();

/** What the call in `request` makes of a node's reply. */
function read(request: string, reply: string | Uint8Array<ArrayBuffer>, status = 200): Reading {
  const decoded = createJsonRpcCodec({ maxBatchSize: 100 }).decode(wireRequest(request));
  assert(decoded.kind === "call", `refused ${request}`);
  const body = typeof reply === "string" ? encoder.encode(reply) : reply;
  return decoded.call.readReply(nodeReply(body, { status }));
}

/** An answer as text, with its counts: `[text, succeeded, failed]`; a failure as its code. */
function factsOf(reading: Reading): [text: string | null, succeeded: number, failed: number] | RelayErrorCode {
  if (reading.kind === "failure") return reading.error.code;
  const text = reading.body && new TextDecoder("utf-8", { ignoreBOM: true }).decode(reading.body);
  return [text, reading.succeededParts, reading.failedParts];
}

const CALL = '{"jsonrpc":"2.0","method":"m","id":"X"}';
const NOTIFICATION = '{"jsonrpc":"2.0","method":"m"}';
const OK = '{"jsonrpc":"2.0","id":1,"result":"0x1"}';
const ERROR = '{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"execution reverted","data":"0x08"}}';

Deno.test("an answer comes back byte for byte, but for the id, which is the caller's", () => {
  const cases: [name: string, reply: string, answer: string][] = [
    ["id in the middle", OK, '{"jsonrpc":"2.0","id":"X","result":"0x1"}'],
    ["id first", '{"id":1,"result":1,"jsonrpc":"2.0"}', '{"id":"X","result":1,"jsonrpc":"2.0"}'],
    ["id last", '{"jsonrpc":"2.0","result":{"id":1},"id":1}', '{"jsonrpc":"2.0","result":{"id":1},"id":"X"}'],
    ["an escaped name", '{"result":1,"\\u0069d":1}', '{"result":1,"\\u0069d":"X"}'],
    ["odd but valid spacing", '\n{ "id" : 1 ,\t"result":[ 1.0 ,1e3]\r}\n', '{ "id" : "X" ,\t"result":[ 1.0 ,1e3]\r}'],
    ["numbers no double holds", '{"id":1,"result":9007199254740993}', '{"id":"X","result":9007199254740993}'],
    ["members nobody knows", '{"id":1,"result":1,"x":1,"x":2}', '{"id":"X","result":1,"x":1,"x":2}'],
    ["a null result", '{"id":1,"result":null}', '{"id":"X","result":null}'],
    ["a null error", '{"id":1,"result":5,"error":null}', '{"id":"X","result":5,"error":null}'],
    ["both null", '{"error":null,"result":null,"id":1}', '{"error":null,"result":null,"id":"X"}'],
    ["id-like text in a string", '{"result":"\\"id\\":1","id":1}', '{"result":"\\"id\\":1","id":"X"}'],
    ["text beyond ASCII", '{"id":1,"result":"é😀\\ud800"}', '{"id":"X","result":"é😀\\ud800"}'],
  ];
  for (const [name, reply, answer] of cases) assertEquals(factsOf(read(CALL, reply)), [answer, 1, 0], name);
  const odd = '{"jsonrpc":"2.0","method":"m","id": 1.50E+3 }';
  assertEquals(factsOf(read(odd, OK)), ['{"jsonrpc":"2.0","id":1.50E+3,"result":"0x1"}', 1, 0]);
});

Deno.test("bytes of a result that are not UTF-8 are the node's business", () => {
  const reply = Uint8Array.from(encoder.encode('{"id":1,"result":"?"}'), (byte) => byte === 0x3f ? 0xff : byte);
  const reading = read('{"jsonrpc":"2.0","method":"m","id":1}', reply);
  assert(reading.kind === "answer");
  assertEquals(reading.body, reply);
});

Deno.test("a node's own error is an answer, whatever the HTTP status", () => {
  const answer = ERROR.replace('"id":1', '"id":"X"');
  for (const status of [200, 400, 404, 500, 503]) assertEquals(factsOf(read(CALL, ERROR, status)), [answer, 0, 1]);
  const cases: [name: string, reply: string, answer: string][] = [
    ["a null id", '{"id":null,"error":{"code":1,"message":""}}', '{"id":"X","error":{"code":1,"message":""}}'],
    ["no id", '{"error":{"code":1,"message":""}}', '{"id":"X","error":{"code":1,"message":""}}'],
    ["a null result", '{"id":1,"result":null,"error":{"code":1}}', '{"id":"X","result":null,"error":{"code":1}}'],
    ["a result too", '{"id":1,"result":5,"error":{"code":1}}', '{"id":"X","result":5,"error":{"code":1}}'],
  ];
  for (const [name, reply, answer] of cases) assertEquals(factsOf(read(CALL, reply)), [answer, 0, 1], name);
});

Deno.test("a result under an HTTP error status is passed on and counts as an error response of the node", () => {
  for (const status of [404, 500]) {
    assertEquals(factsOf(read(CALL, OK, status)), [OK.replace('"id":1', '"id":"X"'), 0, 1], String(status));
  }
});

Deno.test("a gateway's JSON error is no response object, so that another node is asked", () => {
  const cases: [reply: string, status: number, code: RelayErrorCode][] = [
    ['{"error":"Service unavailable"}', 503, "upstream_http_error"],
    ['{"error":"invalid api key"}', 401, "upstream_http_error"],
    ['{"error":true,"message":"Bad Gateway"}', 502, "upstream_http_error"],
    ['{"error":"node is starting"}', 200, "malformed_answer"],
    ['{"id":1,"error":0}', 200, "malformed_answer"],
    ['{"id":1,"error":[]}', 200, "malformed_answer"],
  ];
  for (const [reply, status, code] of cases) assertEquals(factsOf(read(CALL, reply, status)), code, reply);
});

Deno.test("what is no answer to the call is a failure of the node", () => {
  const html = "<html><body>502 Bad Gateway</body></html>";
  const cases: [name: string, reply: string, status: number, code: RelayErrorCode][] = [
    ["HTML", html, 200, "malformed_answer"],
    ["HTML with an error status", html, 502, "upstream_http_error"],
    ["JSON of a gateway", '{"message":"not found"}', 404, "upstream_http_error"],
    ["empty", "", 200, "malformed_answer"],
    ["empty with an error status", "", 500, "upstream_http_error"],
    ["no content", "", 204, "malformed_answer"],
    ["white space", " \n", 200, "malformed_answer"],
    ["429 without a body", "", 429, "upstream_rate_limited"],
    ["429 with HTML", html, 429, "upstream_rate_limited"],
    ["429 with a JSON-RPC error", ERROR, 429, "upstream_rate_limited"],
    ["an array", `[${OK}]`, 200, "malformed_answer"],
    ["an empty array", "[]", 200, "malformed_answer"],
    ["an object of nothing", "{}", 200, "malformed_answer"],
    ["only an id", '{"jsonrpc":"2.0","id":1}', 200, "malformed_answer"],
    ["a null error alone", '{"id":1,"error":null}', 200, "malformed_answer"],
    ["the request, echoed", '{"jsonrpc":"2.0","id":1,"method":"m"}', 200, "malformed_answer"],
    ["a scalar", "1", 200, "malformed_answer"],
    ["text behind it", `${OK}x`, 200, "malformed_answer"],
    ["two answers", `${OK}${OK}`, 200, "malformed_answer"],
    ["a result without an id", '{"result":1}', 200, "malformed_answer"],
    ["a result with a null id", '{"id":null,"result":1}', 200, "malformed_answer"],
    ["two ids", '{"id":1,"id":1,"result":1}', 200, "malformed_answer"],
    ["two ids, one escaped", '{"id":1,"\\u0069d":2,"result":1}', 200, "malformed_answer"],
    ["two results", '{"id":1,"result":1,"result":2}', 200, "malformed_answer"],
    ...["2", '"1"', '"X"', "1.0", "-1", "0", "01", "1e0", "true", "[1]", "4294967297", "18446744073709551617"].map(
      (
        id,
      ): [string, string, number, RelayErrorCode] => [`id ${id}`, `{"id":${id},"result":1}`, 200, "malformed_answer"],
    ),
    ["an error for another call", '{"id":2,"error":{"code":1,"message":""}}', 200, "malformed_answer"],
  ];
  for (const [name, reply, status, code] of cases) assertEquals(factsOf(read(CALL, reply, status)), code, name);
  for (let length = 0; length < OK.length; length++) {
    assertEquals(factsOf(read(CALL, OK.slice(0, length))), "malformed_answer", `cut after ${length} bytes`);
    assertEquals(factsOf(read(CALL, OK.slice(0, length), 500)), "upstream_http_error", `cut after ${length} bytes`);
  }
});

Deno.test("huge nested answers pass, and deeper ones than the limit fail without breaking the relay", () => {
  const nested = (depth: number) => `{"id":1,"result":${"[".repeat(depth)}${"]".repeat(depth)}}`;
  for (const depth of [128, 5000]) {
    assertEquals(factsOf(read(CALL, nested(depth))), [nested(depth).replace("1", '"X"'), 1, 0]);
  }
  assertEquals(factsOf(read(CALL, nested(100_000))), "answer_too_large");
});

Deno.test("a notification gets no answer, and is counted like any call", () => {
  assertEquals(factsOf(read(NOTIFICATION, OK)), [null, 1, 0]);
  assertEquals(factsOf(read(NOTIFICATION, ERROR)), [null, 0, 1]);
  assertEquals(factsOf(read(`[${NOTIFICATION},${NOTIFICATION}]`, '[{"id":2,"result":1},{"id":1,"result":1}]')), [
    null,
    2,
    0,
  ]);
});

/** The caller's ids with what each was answered: `1` a result, `error` the node's error, else the relay's own code. */
function partsOf(reading: Reading): unknown {
  if (reading.kind === "failure") return reading.error.code;
  const parts = JSON.parse(factsOf(reading)[0]!).map(
    ({ id, result, error }: { id: unknown; result?: unknown; error?: { data?: { code?: string } } }) => [
      id,
      result ?? error?.data?.code ?? "error",
    ],
  );
  return [parts, reading.succeededParts, reading.failedParts];
}

Deno.test("each call of a batch gets its own answer, in the order and with the ids of the caller", () => {
  const batch = `[${CALL},${NOTIFICATION},1,${CALL.replace('"X"', "7")},${CALL.replace('"X"', "7")}]`;
  const ok = (id: unknown) => `{"id":${id},"result":${id}0}`;
  const error = (id: unknown) => `{"id":${id},"error":{"code":1,"message":"no"}}`;
  const invalid = [null, "invalid_request"];
  const lost = "malformed_answer";
  const all = [["X", 10], invalid, [7, 30], [7, 40]];
  const none = [["X", "error"], invalid, [7, "error"], [7, "error"]];
  const cases: [name: string, reply: string, expected: unknown][] = [
    ["in order", `[${ok(1)},${ok(2)},${ok(3)},${ok(4)}]`, [all, 4, 0]],
    ["out of order", ` [ ${ok(4)} , ${ok(2)} , ${ok(1)} , ${ok(3)} ] `, [all, 4, 0]],
    ["an error among them", `[${ok(1)},${error(2)},${error(3)},${ok(4)}]`, [
      [["X", 10], invalid, [7, "error"], [7, 40]],
      2,
      2,
    ]],
    ["parts missing", `[${ok(4)},${ok(2)}]`, [[["X", lost], invalid, [7, lost], [7, 40]], 2, 2]],
    ["the notification's missing", `[${ok(1)},${ok(3)},${ok(4)}]`, [all, 3, 1]],
    ["foreign ids beside them", `[${ok(5)},${ok(1)},${ok(2)},${ok(999)},${ok(3)},${ok(4)}]`, [all, 4, 0]],
    ["a nameless error beside them", `[${error(null)},${ok(1)},${ok(2)},${ok(3)},${ok(4)}]`, [all, 4, 0]],
    ["only foreign ids", `[${ok(5)},${ok(6)}]`, "malformed_answer"],
    ["the first of two", `[${ok(1)},{"id":1,"result":99},${ok(2)},${ok(3)},${ok(4)}]`, [all, 4, 0]],
    ["one error for all", error(null), [none, 0, 4]],
    ["one error for all, without an id", '{"error":{"code":1,"message":"no"}}', [none, 0, 4]],
    ["one result for all", ok(1), "malformed_answer"],
    ["an empty array", "[]", "malformed_answer"],
    ["cut off", `[${ok(1)},${ok(2)},${ok(3)}`, "malformed_answer"],
    ["a comma too many", `[${ok(1)},${ok(2)},${ok(3)},${ok(4)},]`, "malformed_answer"],
  ];
  for (const [name, reply, expected] of cases) assertEquals<unknown>(partsOf(read(batch, reply)), expected, name);
});

Deno.test("a batch of one may be answered without the array, and its caller gets one", () => {
  const batch = `[${CALL}]`;
  assertEquals<unknown>(partsOf(read(batch, '{"jsonrpc":"2.0","id":1,"result":10}')), [[["X", 10]], 1, 0]);
  assertEquals<unknown>(partsOf(read(batch, '{"jsonrpc":"2.0","id":2,"result":10}')), "malformed_answer");
});

Deno.test("a reply can be read again, for each attempt", () => {
  const decoded = createJsonRpcCodec({ maxBatchSize: 10 }).decode(wireRequest(`[${CALL},1,${CALL}]`));
  assert(decoded.kind === "call");
  const reply = nodeReply(encoder.encode('[{"id":1,"result":1},{"id":2,"result":2}]'));
  assertEquals(factsOf(decoded.call.readReply(reply)), factsOf(decoded.call.readReply(reply)));
});
