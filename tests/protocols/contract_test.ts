import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Codec } from "../../src/domain/codec.ts";
import { RELAY_ERRORS, type RelayErrorCode, traitsOf } from "../../src/domain/relay_error.ts";
import type { ProtocolCall } from "../../src/domain/relay_request.ts";
import type { NodeReply, WireRequest, WireResponse } from "../../src/domain/wire.ts";
import { createJsonRpcCodec } from "../../src/protocols/jsonrpc/codec.ts";
import { JSON_RPC_1 } from "../../src/protocols/jsonrpc/dialect.ts";
import { createRestCodec } from "../../src/protocols/rest/codec.ts";
import { createTendermintCodec } from "../../src/protocols/tendermint/codec.ts";
import { nodeReply, wireRequest } from "../support/wire.ts";

/** A protocol as the suite knows it: texts of a good call, of what nodes reply, and of what is no call. */
interface Sample {
  readonly codec: Codec;
  readonly call: WireRequest;
  readonly name: string;
  readonly params: unknown;
  /** What a node is sent: verb, path, query, body. */
  readonly sent: readonly [verb: string, path: string, query: string, body: string | null];
  /** A reply with a result, and what the client gets. */
  readonly result: readonly [reply: NodeReply, body: string, status: number];
  /** A reply with an error of the node that every node would give, and what the client gets. */
  readonly nodeError: readonly [reply: NodeReply, body: string, status: number];
  /** What is no request, and the status it is refused with. */
  readonly bad: readonly (readonly [WireRequest, number])[];
  /** The body of a refusal with that code and message. */
  refusal(code: RelayErrorCode, message: string, id: string): unknown;
}

const limits = { maxBatchSize: 2 };
const get = (path: string, query = ""): WireRequest => wireRequest("", { verb: "GET", path, query });
const withStatus = (status: number, body: string, type = "application/json") =>
  nodeReply(body, { status, headers: [["content-type", type]] });

const BAD_URIS: readonly (readonly [WireRequest, number])[] = [
  [get("/a/../b"), 400],
  [get("/a/%2e%2E/b"), 400],
  [get("/a/%2E"), 400],
  [get("/./a"), 400],
  [get("/a%2f..%2fb"), 400],
  [get("/a\\..\\b"), 400],
  [get("/a%zz"), 400],
  [get("/a%"), 400],
  [get("/a", "b=%2"), 400],
  [get("/a#b"), 400],
  [get("/a b"), 400],
  [get("/ä"), 400],
  [get(`/${"a".repeat(3_000)}`), 414],
  [get("/a", "b".repeat(20_000)), 414],
];

const SAMPLES: Readonly<Record<string, Sample>> = {
  "JSON-RPC": {
    codec: createJsonRpcCodec(limits),
    call: wireRequest('{"jsonrpc":"2.0","id":"X","method":"m","params":[1]}'),
    name: "m",
    params: [1],
    sent: ["POST", "", "", '{"jsonrpc":"2.0","id":1,"method":"m","params":[1]}'],
    result: [nodeReply('{"jsonrpc":"2.0","id":1,"result":5}'), '{"jsonrpc":"2.0","id":"X","result":5}', 200],
    nodeError: [
      nodeReply('{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no such method"}}'),
      '{"jsonrpc":"2.0","id":"X","error":{"code":-32601,"message":"no such method"}}',
      200,
    ],
    bad: [[wireRequest("{"), 400], [wireRequest("[]"), 400], [wireRequest("[1,2,3]"), 429]],
    refusal: (code, message, id) => ({ jsonrpc: "2.0", id, error: { message, data: { code } } }),
  },
  "JSON-RPC 1.0": {
    codec: createJsonRpcCodec(limits, JSON_RPC_1),
    call: wireRequest('{"id":"X","method":"m","params":[1]}'),
    name: "m",
    params: [1],
    sent: ["POST", "", "", '{"jsonrpc":"1.0","id":1,"method":"m","params":[1]}'],
    result: [nodeReply('{"result":5,"error":null,"id":1}\n'), '{"result":5,"error":null,"id":"X"}', 200],
    nodeError: [
      withStatus(404, '{"result":null,"error":{"code":-32601,"message":"Method not found"},"id":1}'),
      '{"result":null,"error":{"code":-32601,"message":"Method not found"},"id":"X"}',
      200,
    ],
    bad: [[wireRequest("{"), 400], [wireRequest('{"jsonrpc":"3.0","id":1,"method":"m"}'), 400]],
    refusal: (code, message, id) => ({ result: null, id, error: { message, data: { code } } }),
  },
  "Tendermint, POST": {
    codec: createTendermintCodec(limits),
    call: wireRequest('{"jsonrpc":"2.0","id":"X","method":"block","params":{"height":"5"}}'),
    name: "block",
    params: { height: "5" },
    sent: ["POST", "", "", '{"jsonrpc":"2.0","id":1,"method":"block","params":{"height":"5"}}'],
    result: [nodeReply('{"jsonrpc":"2.0","id":1,"result":{}}'), '{"jsonrpc":"2.0","id":"X","result":{}}', 200],
    nodeError: [
      nodeReply('{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params","data":"x"}}'),
      '{"jsonrpc":"2.0","id":"X","error":{"code":-32602,"message":"Invalid params","data":"x"}}',
      200,
    ],
    bad: [[wireRequest("{"), 400], [wireRequest("[1,2,3]"), 429]],
    refusal: (code, message, id) => ({ jsonrpc: "2.0", id, error: { message, data: code } }),
  },
  "Tendermint, URI": {
    codec: createTendermintCodec(limits),
    call: get("/abci_query", "path=%22/store%22&data=0x61&prove=true&height=%225%22"),
    name: "abci_query",
    params: { path: "/store", data: "0x61", prove: "true", height: "5" },
    sent: ["GET", "/abci_query", "path=%22/store%22&data=0x61&prove=true&height=%225%22", null],
    result: [nodeReply('{"jsonrpc":"2.0","id":-1,"result":{}}'), '{"jsonrpc":"2.0","id":-1,"result":{}}', 200],
    nodeError: [
      withStatus(500, '{"jsonrpc":"2.0","id":-1,"error":{"code":-32602,"message":"Invalid params","data":"x"}}'),
      '{"jsonrpc":"2.0","id":-1,"error":{"code":-32602,"message":"Invalid params","data":"x"}}',
      500,
    ],
    bad: [...BAD_URIS, [get("/"), 400], [get("/websocket"), 400]],
    refusal: (code, message) => ({ jsonrpc: "2.0", id: -1, error: { message, data: code } }),
  },
  "REST": {
    codec: createRestCodec(),
    call: wireRequest("<x/>", {
      verb: "PUT",
      path: "/a/b%20c",
      query: "x=1&x=2&y=%C3%A9",
      header: (name) => name === "content-type" ? "text/xml" : null,
    }),
    name: "/a/b%20c",
    params: { x: "2", y: "é" },
    sent: ["PUT", "/a/b%20c", "x=1&x=2&y=%C3%A9", "<x/>"],
    result: [withStatus(201, "\u0000odd", "application/x-odd"), "\u0000odd", 201],
    nodeError: [
      withStatus(404, '{"code":5,"message":"not found","details":[]}'),
      '{"code":5,"message":"not found","details":[]}',
      404,
    ],
    bad: BAD_URIS,
    refusal: (code, message) =>
      code === "unsupported_api"
        ? { code: 12, message: "Not Implemented", details: [] }
        : { error: code, message, details: [] },
  },
};

function decode({ codec, call }: Sample): ProtocolCall {
  const decoded = codec.decode(call);
  assert(decoded.kind === "call");
  return decoded.call;
}

function textOf(body: Uint8Array | null): string | null {
  return body && new TextDecoder().decode(body);
}

/** The JSON of a refusal without the protocol's number for it, which each protocol's own tests look at. */
function refusalOf({ body }: WireResponse): unknown {
  const value = JSON.parse(textOf(body)!);
  if (value.error?.code !== undefined) {
    assert(Number.isInteger(value.error.code));
    delete value.error.code;
  } else if (value.message !== "Not Implemented") {
    assert(Number.isInteger(value.code));
    delete value.code;
  }
  return value;
}

const CODES = Object.keys(RELAY_ERRORS) as RelayErrorCode[];

for (const [protocol, sample] of Object.entries(SAMPLES)) {
  const contract = (promise: string, test: () => void) => Deno.test(`${protocol}: ${promise}`, test);

  contract("a call names its API and its params, and goes to the node in the protocol's own form", () => {
    const { targets, isBatch, nodeRequest: { verb, path, query, body } } = decode(sample);
    assertEquals(isBatch, false);
    assertEquals(targets.map(({ name, params }) => [name, { ...params() as object }]), [
      [sample.name, { ...sample.params as object }],
    ]);
    assertEquals([verb, path, query, textOf(body)], [...sample.sent]);
  });

  contract("verbs are in upper case, and the call's is among them", () => {
    assertEquals(sample.codec.verbs, sample.codec.verbs.map((verb) => verb.toUpperCase()));
    assert(sample.codec.verbs.includes(sample.call.verb));
  });

  contract("a result is an answer, and reads the same for each attempt", () => {
    const call = decode(sample);
    const [reply, body, status] = sample.result;
    for (const reading of [call.readReply(reply), call.readReply(reply)]) {
      assert(reading.kind === "answer");
      assertEquals([textOf(reading.body), reading.status], [body, status]);
      assertEquals([reading.succeededParts, reading.failedParts, reading.nodeError], [1, 0, undefined]);
    }
  });

  contract("a node's own error is an answer, passed on as it came, and known for what it is", () => {
    const [reply, body, status] = sample.nodeError;
    const reading = decode(sample).readReply(reply);
    assert(reading.kind === "answer");
    assertEquals([textOf(reading.body), reading.status], [body, status]);
    assertEquals([reading.succeededParts, reading.failedParts, reading.nodeError], [0, 1, "deterministic"]);
  });

  contract("what stands before a node and does not speak the protocol is a failure", () => {
    const call = decode(sample);
    const cases: [NodeReply, RelayErrorCode][] = [
      [withStatus(429, "slow down", "text/plain"), "upstream_rate_limited"],
      [withStatus(429, sample.nodeError[1]), "upstream_rate_limited"],
      [withStatus(502, "<html>Bad Gateway</html>", "text/html"), "upstream_http_error"],
      [withStatus(503, ""), "upstream_http_error"],
      [withStatus(401, "no key"), "upstream_http_error"],
      [withStatus(403, "no key"), "upstream_http_error"],
    ];
    for (const [reply, code] of cases) {
      const reading = call.readReply(reply);
      assert(reading.kind === "failure", `${reply.status} was an answer`);
      assertEquals(reading.error.code, code);
    }
  });

  contract("every error of the relay has the protocol's shape, the caller's id and the relay's name for it", () => {
    const call = decode(sample);
    for (const code of CODES) {
      const error = { code, message: `what "happened" with ${code}` };
      for (const [response, id] of [[call.encodeError(error), "X"], [sample.codec.encodeError(error), null]] as const) {
        assertEquals(response.headers, [["content-type", "application/json"]]);
        const isNotImplemented = protocol === "REST" && code === "unsupported_api";
        assertEquals(response.status, isNotImplemented ? 501 : traitsOf(code).httpStatus, code);
        // A refusal that answers no call can't know in which form it would have come.
        const form = protocol === "Tendermint, URI" && id === null ? SAMPLES["Tendermint, POST"]! : sample;
        assertEquals(refusalOf(response), form.refusal(code, error.message, id as string), code);
      }
    }
  });

  contract("what is no request is refused at once, in the protocol's shape", () => {
    for (const [request, status] of sample.bad) {
      const decoded = sample.codec.decode(request);
      assert(decoded.kind === "response", `${request.path} was taken`);
      const what = `${request.path.slice(0, 20)} ${textOf(decoded.response.body)}`;
      const isNotImplemented = protocol === "REST" && status === 400 && decoded.response.status === 501;
      assert(decoded.response.status === status || isNotImplemented, what);
      assertStringIncludes(textOf(decoded.response.body)!, "message");
    }
  });
}
