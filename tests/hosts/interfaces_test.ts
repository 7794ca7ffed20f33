import { assert, assertEquals } from "@std/assert";
import { type ApiInterface, createRelay, type RelayConfig, type RelayUsageEvent } from "../../mod.ts";
import { INTERFACE_SPECS } from "../support/interface_specs.ts";
import { MemorySink } from "../support/memory_sink.ts";
import { type NodeScript, scriptedNodes } from "../support/scripted_node.ts";

function start(chainId: string, apiInterface: ApiInterface, script: NodeScript, options: Partial<RelayConfig> = {}) {
  const usage = new MemorySink();
  const { fetch, calls } = scriptedNodes({ a: script });
  const providers = [{ name: "a", nodeUrls: [{ url: "http://a/base?key=K3Y" }] }];
  const relay = createRelay({
    chainId,
    apiInterface,
    specs: INTERFACE_SPECS,
    providers,
    random: () => 0,
    ...options,
    usage,
    fetch,
  });
  return { relay, calls, events: usage.events };
}

const json = (body: string, status = 200, headers: Readonly<Record<string, string>> = {}): NodeScript => () =>
  new Response(body, { status, headers: { "content-type": "application/json", ...headers } });

interface Row {
  readonly what: string;
  readonly chain: string;
  readonly apiInterface: ApiInterface;
  readonly request: readonly [verb: string, target: string, body?: string];
  readonly node: NodeScript;
  /** Verb, URL and body that the node gets; undefined when it is not asked. */
  readonly sent: readonly [verb: string, url: string, body: string] | undefined;
  readonly answer: readonly [status: number, body: string];
  /** What the event says beyond the defaults; undefined for no event. */
  readonly event: Partial<RelayUsageEvent> | undefined;
}

const BASE = "http://a/base";
const KEY = "?key=K3Y";
const rpc = (method: string, params: string, id: string) =>
  `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${params}}`;
const NOT_IMPLEMENTED = '{"code":12,"message":"Not Implemented","details":[]}';

/** Every interface, what a node is sent, what comes back, and the one event. */
const ROWS: readonly Row[] = [
  {
    what: "REST, a template with a parameter",
    chain: "COSMOS",
    apiInterface: "rest",
    request: ["GET", "/cosmos/bank/v1beta1/balances/cosmos1%41?pagination.limit=5&x"],
    node: json('{"balances":[]}'),
    sent: ["GET", `${BASE}/cosmos/bank/v1beta1/balances/cosmos1%41${KEY}&pagination.limit=5&x`, ""],
    answer: [200, '{"balances":[]}'],
    event: { apiMethod: "/cosmos/bank/v1beta1/balances/{address}", computeUnits: 10, success: true },
  },
  {
    what: "REST, a literal before a parameter",
    chain: "COSMOS",
    apiInterface: "rest",
    request: ["GET", "/cosmos/base/tendermint/v1beta1/blocks/latest"],
    node: json("{}"),
    sent: ["GET", `${BASE}/cosmos/base/tendermint/v1beta1/blocks/latest${KEY}`, ""],
    answer: [200, "{}"],
    event: { apiMethod: "/cosmos/base/tendermint/v1beta1/blocks/latest", computeUnits: 5, success: true },
  },
  {
    what: "REST, HEAD asks for the whole and is charged as GET",
    chain: "COSMOS",
    apiInterface: "rest",
    request: ["HEAD", "/cosmos/base/tendermint/v1beta1/blocks/5"],
    node: json("{}"),
    sent: ["GET", `${BASE}/cosmos/base/tendermint/v1beta1/blocks/5${KEY}`, ""],
    answer: [200, "{}"],
    event: { apiMethod: "/cosmos/base/tendermint/v1beta1/blocks/{height}", computeUnits: 7, success: true },
  },
  {
    what: "REST, a write with a body",
    chain: "COSMOS",
    apiInterface: "rest",
    request: ["POST", "/cosmos/tx/v1beta1/txs", '{"tx_bytes":"AA=="}'],
    node: json('{"tx_response":{}}'),
    sent: ["POST", `${BASE}/cosmos/tx/v1beta1/txs${KEY}`, '{"tx_bytes":"AA=="}'],
    answer: [200, '{"tx_response":{}}'],
    event: { apiMethod: "/cosmos/tx/v1beta1/txs", computeUnits: 30, success: true, isWrite: true },
  },
  {
    what: "REST, a path that the spec does not know",
    chain: "COSMOS",
    apiInterface: "rest",
    request: ["GET", "/nothing/like/it"],
    node: json(NOT_IMPLEMENTED, 501),
    sent: ["GET", `${BASE}/nothing/like/it${KEY}`, ""],
    answer: [501, NOT_IMPLEMENTED],
    event: { apiMethod: "Default-/nothing/like/it", computeUnits: 20 },
  },
  {
    what: "REST, a verb that the chain does not have",
    chain: "COSMOS",
    apiInterface: "rest",
    request: ["DELETE", "/cosmos/tx/v1beta1/txs"],
    node: json("{}"),
    sent: undefined,
    answer: [501, NOT_IMPLEMENTED],
    event: undefined,
  },
  {
    what: "REST, an error of the node",
    chain: "COSMOS",
    apiInterface: "rest",
    request: ["GET", "/cosmos/bank/v1beta1/balances/x"],
    node: json('{"code":3,"message":"invalid address","details":[]}', 400),
    sent: ["GET", `${BASE}/cosmos/bank/v1beta1/balances/x${KEY}`, ""],
    answer: [400, '{"code":3,"message":"invalid address","details":[]}'],
    event: { apiMethod: "/cosmos/bank/v1beta1/balances/{address}", computeUnits: 10 },
  },
  {
    what: "REST, a path that climbs",
    chain: "COSMOS",
    apiInterface: "rest",
    request: ["GET", "/cosmos/bank/v1beta1/balances/%2f..%2f..%2fx"],
    node: json("{}"),
    sent: undefined,
    answer: [
      400,
      '{"error":"invalid_request","code":3,"message":"Invalid request: the path has a segment . or ..","details":[]}',
    ],
    event: undefined,
  },
  {
    what: "Tendermint, POST",
    chain: "COSMOS",
    apiInterface: "tendermintrpc",
    request: ["POST", "/", rpc("block", '{"height":"5"}', "123456789012")],
    node: json('{"jsonrpc":"2.0","id":1,"result":{}}'),
    sent: ["POST", `${BASE}${KEY}`, rpc("block", '{"height":"5"}', "1")],
    answer: [200, '{"jsonrpc":"2.0","id":123456789012,"result":{}}'],
    event: { apiMethod: "block", computeUnits: 12, success: true },
  },
  {
    what: "Tendermint, URI",
    chain: "COSMOS",
    apiInterface: "tendermintrpc",
    request: ["GET", "/block?height=%225%22"],
    node: json('{"jsonrpc":"2.0","id":-1,"result":{}}'),
    sent: ["GET", `${BASE}/block${KEY}&height=%225%22`, ""],
    answer: [200, '{"jsonrpc":"2.0","id":-1,"result":{}}'],
    event: { apiMethod: "block", computeUnits: 12, success: true },
  },
  {
    what: "Tendermint, a batch",
    chain: "COSMOS",
    apiInterface: "tendermintrpc",
    request: ["POST", "/", `[${rpc("status", "{}", '"a"')},${rpc("block", '{"height":"1"}', '"b"')}]`],
    node: json('[{"jsonrpc":"2.0","id":2,"result":2},{"jsonrpc":"2.0","id":1,"result":1}]'),
    sent: ["POST", `${BASE}${KEY}`, `[${rpc("status", "{}", "1")},${rpc("block", '{"height":"1"}', "2")}]`],
    answer: [200, '[{"jsonrpc":"2.0","id":"a","result":1},{"jsonrpc":"2.0","id":"b","result":2}]'],
    event: { apiMethod: "status&block", computeUnits: 22, success: true, isBatch: true },
  },
  {
    what: "Tendermint, a subscription without a WebSocket",
    chain: "COSMOS",
    apiInterface: "tendermintrpc",
    request: ["GET", "/subscribe?query=%22tm.event='NewBlock'%22"],
    node: json("{}"),
    sent: undefined,
    answer: [
      400,
      '{"jsonrpc":"2.0","id":-1,"error":{"code":-32601,"message":"subscriptions need a WebSocket connection; connect to /ws","data":"unsupported_api"}}',
    ],
    event: undefined,
  },
  {
    what: "UTXO, in the shape of 1.0",
    chain: "LTC",
    apiInterface: "jsonrpc",
    request: ["POST", "/", '{"jsonrpc":"1.0","id":"curl","method":"getblockcount","params":[]}'],
    node: json('{"result":7,"error":null,"id":1}\n'),
    sent: ["POST", `${BASE}${KEY}`, '{"jsonrpc":"1.0","id":1,"method":"getblockcount","params":[]}'],
    answer: [200, '{"result":7,"error":null,"id":"curl"}'],
    event: { apiMethod: "getblockcount", computeUnits: 10, success: true },
  },
  {
    what: "UTXO, a node that answers in 2.0, and a call that names no version and no id",
    chain: "LTC",
    apiInterface: "jsonrpc",
    request: ["POST", "/", '{"method":"getblockcount"}'],
    node: json('{"jsonrpc":"2.0","result":7,"id":1}'),
    sent: ["POST", `${BASE}${KEY}`, '{"jsonrpc":"1.0","id":1,"method":"getblockcount"}'],
    answer: [200, '{"result":7,"error":null,"id":null}'],
    event: { apiMethod: "getblockcount", computeUnits: 10, success: true },
  },
  {
    what: "UTXO, an error under HTTP 500",
    chain: "LTC",
    apiInterface: "jsonrpc",
    request: ["POST", "/", '{"id":1,"method":"getblockhash","params":[99]}'],
    node: json('{"result":null,"error":{"code":-8,"message":"Block height out of range"},"id":1}', 500),
    sent: ["POST", `${BASE}${KEY}`, '{"jsonrpc":"1.0","id":1,"method":"getblockhash","params":[99]}'],
    answer: [200, '{"result":null,"error":{"code":-8,"message":"Block height out of range"},"id":1}'],
    event: { apiMethod: "getblockhash", computeUnits: 11 },
  },
  {
    what: "JSON-RPC with an internal path",
    chain: "AVA",
    apiInterface: "jsonrpc",
    request: ["POST", "/ext/C/rpc", rpc("eth_chainId", "[]", "5")],
    node: json('{"jsonrpc":"2.0","id":1,"result":"0x1"}'),
    sent: ["POST", `${BASE}/C/rpc${KEY}`, rpc("eth_chainId", "[]", "1")],
    answer: [200, '{"jsonrpc":"2.0","id":5,"result":"0x1"}'],
    event: { apiMethod: "eth_chainId", computeUnits: 10, success: true },
  },
  {
    what: "JSON-RPC, a batch over two internal paths",
    chain: "AVA",
    apiInterface: "jsonrpc",
    request: ["POST", "/", `[${rpc("eth_chainId", "[]", "5")},${rpc("platform_getHeight", "[]", "6")}]`],
    node: json("[]"),
    sent: undefined,
    answer: [
      400,
      ["5", "6"].map((id) =>
        `{"jsonrpc":"2.0","id":${id},"error":{"code":-32600,"message":"batch mixes APIs of the paths /C/rpc and /P; send one batch for each","data":{"code":"invalid_request"}}}`
      ).join(",").replace(/^/, "[") + "]",
    ],
    event: undefined,
  },
  {
    what: "JSON-RPC, an add-on that nobody serves",
    chain: "AVA",
    apiInterface: "jsonrpc",
    request: ["POST", "/", rpc("debug_traceCall", "[]", "5")],
    node: json("{}"),
    sent: undefined,
    answer: [502, ""],
    event: { apiMethod: "debug_traceCall", computeUnits: 0, isDebugTrace: true, provider: "", attempts: 0 },
  },
  {
    what: "JSON-RPC, a batch that mixes add-ons",
    chain: "AVA",
    apiInterface: "jsonrpc",
    request: ["POST", "/", `[${rpc("debug_traceCall", "[]", "5")},${rpc("trace_block", "[]", "6")}]`],
    node: json("[]"),
    sent: undefined,
    answer: [400, ""],
    event: undefined,
  },
];

for (const { what, chain, apiInterface, request: [verb, target, body], node, sent, answer, event } of ROWS) {
  Deno.test(`${what}: the node's request, the answer, and ${event === undefined ? "no event" : "one event"}`, async () => {
    const { relay, calls, events } = start(chain, apiInterface, node);
    const headers = {
      "project-id": "acme",
      "origin": "https://o.example",
      ...(body && { "content-type": "application/json" }),
    };
    const response = await relay.fetch(
      new Request(`http://relay${target}`, { method: verb, headers, ...(body !== undefined && { body }) }),
    );
    const text = await response.text();
    assertEquals([response.status, answer[1] === "" ? "" : text], [...answer], text);
    assertEquals(calls.map((call) => [call.verb, call.url, call.text]), sent === undefined ? [] : [[...sent]]);
    if (event === undefined) return assertEquals(events, []);
    assertEquals(events.length, 1);
    const { timeUnixMs, latencyMs, errorClass, ...facts } = events[0]!;
    assert(timeUnixMs > 0 && latencyMs >= 0 && errorClass === (event.attempts === 0 ? "no_provider" : ""));
    assertEquals(facts, {
      kind: "relay_usage",
      project: "acme",
      chain,
      apiInterface,
      apiMethod: "",
      computeUnits: 0,
      success: false,
      cacheHit: false,
      isWrite: false,
      isArchive: false,
      isBatch: false,
      isDebugTrace: false,
      hedgeCount: 0,
      provider: "a",
      origin: "https://o.example",
      attempts: 1,
      ...event,
    });
    assertEquals(response.headers.get("lava-user-request-type"), event.apiMethod ?? null);
    assertEquals(
      response.headers.get("lava-identified-node-error"),
      event.success || event.attempts === 0 ? null : "true",
    );
  });
}

Deno.test("headers cross the relay as the spec says, and no others", async () => {
  const node = json("{}", 200, {
    ...{ "x-cosmos-block-height": "9", "x-returned": "r", "x-other": "o", "set-cookie": "c=1" },
    ...{ "authorization": "secret", "server": "nginx" },
  });
  const { relay, calls } = start("COSMOS", "rest", node);
  const headers = {
    ...{ "x-cosmos-block-height": "8", "x-sent": "s", "x-fixed": "mine", "x-ignored": "i", "x-other": "o" },
    ...{ "authorization": "Bearer t", "cookie": "c=2", "lava-stickiness": "s", "accept": "text/html" },
  };
  const response = await relay.fetch(new Request("http://relay/cosmos/bank/v1beta1/balances/x", { headers }));
  await response.body?.cancel();
  assertEquals([...calls[0]!.headers].sort(), [
    ["accept-encoding", "identity"],
    ["x-cosmos-block-height", "8"],
    ["x-fixed", "of the spec"],
    ["x-sent", "s"],
  ]);
  const own = /^(?:access-control-|lava-|content-type)/;
  assertEquals([...response.headers].filter(([name]) => !own.test(name)), [
    ["x-cosmos-block-height", "9"],
    ["x-returned", "r"],
  ]);
});

Deno.test("a page that asks for the icon is not relayed", async () => {
  for (const apiInterface of ["rest", "tendermintrpc"] as const) {
    const { relay, calls, events } = start("COSMOS", apiInterface, json("{}"));
    assertEquals((await relay.fetch(new Request("http://relay/favicon.ico"))).status, 404);
    assertEquals([calls.length, events.length], [0, 0]);
  }
});

Deno.test("a REST body of any type reaches the node byte for byte with its type", async () => {
  const { relay, calls } = start("COSMOS", "rest", json("{}"));
  const headers = { "content-type": "application/x-protobuf; v=1" };
  const request = new Request("http://relay/cosmos/tx/v1beta1/txs", {
    method: "POST",
    headers,
    body: "\u0000\u0001bin",
  });
  await (await relay.fetch(request)).body?.cancel();
  assertEquals([calls[0]!.text, calls[0]!.headers.get("content-type")], [
    "\u0000\u0001bin",
    "application/x-protobuf; v=1",
  ]);
});
