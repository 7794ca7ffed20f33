import { assertEquals } from "@std/assert";
import { createRelay } from "../../mod.ts";
import { MemorySink } from "../support/memory_sink.ts";
import { scriptedNodes } from "../support/scripted_node.ts";

interface Call {
  readonly id: number;
  readonly method: string;
  readonly params?: number[] & Record<string, number>;
}

/** A node with the methods of the specification's examples. */
function answer({ id, method, params }: Call): unknown {
  const [a, b] = Array.isArray(params) ? params : [params?.["minuend"], params?.["subtrahend"]];
  switch (method) {
    case "subtract":
      return { jsonrpc: "2.0", result: a! - b!, id };
    case "sum":
      return { jsonrpc: "2.0", result: params!.reduce((total, value) => total + value), id };
    case "get_data":
      return { jsonrpc: "2.0", result: ["hello", 5], id };
    case "update":
    case "notify_hello":
    case "notify_sum":
      return { jsonrpc: "2.0", result: null, id };
    default:
      return { jsonrpc: "2.0", error: { code: -32601, message: "Method not found" }, id };
  }
}

/**
 * The examples of section 7 of JSON-RPC 2.0: what is sent, what comes back (of errors the code; null for nothing), and
 * the method on the bill (null for no event).
 */
const EXAMPLES: readonly (readonly [sent: string, back: unknown, apiMethod: string | null])[] = [
  ['{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}', { result: 19, id: 1 }, "subtract"],
  ['{"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}', { result: -19, id: 2 }, "subtract"],
  [
    '{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}',
    { result: 19, id: 3 },
    "subtract",
  ],
  [
    '{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": 4}',
    { result: 19, id: 4 },
    "subtract",
  ],
  ['{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}', null, "update"],
  ['{"jsonrpc": "2.0", "method": "foobar"}', null, "foobar"],
  ['{"jsonrpc": "2.0", "method": "foobar", "id": "1"}', { error: -32601, id: "1" }, "foobar"],
  ['{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]', { error: -32700, id: null }, null],
  ['{"jsonrpc": "2.0", "method": 1, "params": "bar"}', { error: -32600, id: null }, null],
  [
    '[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},{"jsonrpc": "2.0", "method"]',
    { error: -32700, id: null },
    null,
  ],
  ["[]", { error: -32600, id: null }, null],
  ["[1]", [{ error: -32600, id: null }], null],
  ["[1,2,3]", [{ error: -32600, id: null }, { error: -32600, id: null }, { error: -32600, id: null }], null],
  [
    `[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
      {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
      {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
      {"foo": "boo"},
      {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
      {"jsonrpc": "2.0", "method": "get_data", "id": "9"}]`,
    [
      { result: 7, id: "1" },
      { result: 19, id: "2" },
      { error: -32600, id: null },
      { error: -32601, id: "5" },
      { result: ["hello", 5], id: "9" },
    ],
    "sum&notify_hello&subtract&foo.get&get_data",
  ],
  [
    '[{"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},{"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}]',
    null,
    "notify_sum&notify_hello",
  ],
];

/** A message with its error's code for the error, and without what all messages have. */
function shorten(message: Record<string, unknown>): unknown {
  const { jsonrpc, error, ...rest } = message;
  assertEquals(jsonrpc, "2.0");
  return error === undefined ? rest : { error: (error as { code: number }).code, ...rest };
}

for (const [sent, back, apiMethod] of EXAMPLES) {
  Deno.test(`JSON-RPC 2.0, section 7: ${sent.replaceAll(/\s+/g, " ")}`, async () => {
    const usage = new MemorySink();
    const { fetch } = scriptedNodes({
      a: ({ text }) => {
        const request = JSON.parse(text);
        return Response.json(Array.isArray(request) ? request.map(answer) : answer(request));
      },
    });
    const relay = createRelay({
      chainId: "ETH1",
      providers: [{ name: "a", nodeUrls: [{ url: "http://a" }] }],
      usage,
      fetch,
    });
    const headers = { "content-type": "application/json" };
    const text = await (await relay.fetch(new Request("http://relay/", { method: "POST", headers, body: sent })))
      .text();
    const message = text === "" ? null : JSON.parse(text);
    assertEquals(Array.isArray(message) ? message.map(shorten) : message && shorten(message), back);
    const names = usage.events.map((event) => event.apiMethod.replaceAll("Default-", ""));
    assertEquals(names, apiMethod === null ? [] : [apiMethod]);
  });
}
