import { assertEquals } from "@std/assert";
import { createRelay, type RelayOptions, type RelayUsageEvent } from "../../mod.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { MemorySink } from "../support/memory_sink.ts";
import { answering, hanging, type NodeScript, refusing, scriptedNodes, unreachable } from "../support/scripted_node.ts";

type Nodes = Readonly<Record<string, NodeScript>>;
type Expected = Partial<RelayUsageEvent> | "no event";

interface Branch {
  readonly body: unknown;
  readonly headers?: Record<string, string>;
  /** Scripts of the providers, by name, in order. */
  readonly nodes: Nodes;
  readonly options?: Partial<RelayOptions>;
  /** Moves on by this many milliseconds once the request is under way. */
  readonly advanceMs?: number;
  /** Aborts the request once it is under way. */
  readonly leaves?: boolean;
  readonly status: number;
  readonly event: Expected;
}

const CALL = { jsonrpc: "2.0", id: 1, method: "eth_getBalance", params: ["0x0", "latest"] };
const WRITE = { ...CALL, method: "eth_sendRawTransaction", params: ["0x00"] };
const BATCH = [CALL, { ...CALL, id: 2, method: "eth_chainId" }];
const html = (status: number): NodeScript => () => new Response("<html>", { status });
const broken: NodeScript = () => {
  throw new TypeError("connection closed before message completed");
};
/** Answers the first call of a batch and refuses the others. */
const halfway: NodeScript = ({ text }) =>
  Response.json(
    JSON.parse(text).map(({ id }: { id: number }) =>
      id === 1 ? { jsonrpc: "2.0", id, result: 1 } : { jsonrpc: "2.0", id, error: { code: -1, message: "no" } }
    ),
  );

/** Every way in which a relay ends, and the one event that it leaves. */
const BRANCHES: Readonly<Record<string, Branch>> = {
  "answered": { body: CALL, nodes: { a: answering() }, status: 200, event: { success: true, computeUnits: 20 } },
  "answered with an error of the node": {
    body: CALL,
    nodes: { a: refusing(-32000, "no"), b: answering() },
    status: 200,
    event: { success: false, computeUnits: 20, provider: "a" },
  },
  "a write": { body: WRITE, nodes: { a: answering() }, status: 200, event: { isWrite: true, computeUnits: 10 } },
  "a trace": {
    body: { ...CALL, method: "debug_traceTransaction" },
    nodes: { a: answering() },
    status: 200,
    event: { isDebugTrace: true, computeUnits: 100 },
  },
  "the archive, asked for": {
    body: CALL,
    headers: { "lava-extension": "archive" },
    nodes: { a: answering() },
    status: 200,
    event: { isArchive: true, computeUnits: 100 },
  },
  "a batch": {
    body: BATCH,
    nodes: { a: answering() },
    status: 200,
    event: { isBatch: true, apiMethod: "eth_getBalance&eth_chainId", computeUnits: 30, success: true },
  },
  "a batch of one": { body: [CALL], nodes: { a: answering() }, status: 200, event: { isBatch: true } },
  "a batch that failed in part": { body: BATCH, nodes: { a: halfway }, status: 200, event: { success: true } },
  "a batch that failed in part, strictly": {
    body: BATCH,
    nodes: { a: halfway },
    options: { batchNodeErrorOnAny: true },
    status: 200,
    event: { success: false, computeUnits: 30 },
  },
  "a batch that failed": { body: BATCH, nodes: { a: refusing(-1, "no") }, status: 200, event: { success: false } },
  "a notification": {
    body: { ...CALL, id: undefined },
    nodes: { a: answering() },
    status: 204,
    event: { success: true, computeUnits: 20 },
  },
  "nobody listens": {
    body: CALL,
    nodes: { a: unreachable(), b: unreachable() },
    status: 502,
    event: { errorClass: "upstream_unreachable", attempts: 2, success: false, computeUnits: 0, provider: "b" },
  },
  "the first is dead, the second answers": {
    body: CALL,
    nodes: { a: unreachable(), b: answering() },
    status: 200,
    event: { attempts: 2, success: true, provider: "b" },
  },
  "a write finds the first dead": {
    body: WRITE,
    nodes: { a: unreachable(), b: answering() },
    status: 200,
    event: { attempts: 2, success: true, provider: "b" },
  },
  "a write goes to all at once, and one success is enough": {
    body: WRITE,
    nodes: { a: broken, b: answering() },
    status: 200,
    event: { attempts: 2, success: true, provider: "b" },
  },
  "a write that may have been seen is not repeated": {
    body: WRITE,
    nodes: { a: broken },
    status: 502,
    event: { errorClass: "upstream_disconnected", success: false, computeUnits: 0, provider: "a" },
  },
  "nobody answers in time": {
    body: CALL,
    nodes: { a: hanging() },
    advanceMs: 2_000,
    status: 504,
    event: { errorClass: "upstream_timeout", success: false, computeUnits: 0, provider: "a", latencyMs: 2_000 },
  },
  "the first is slow, the second answers": {
    body: CALL,
    nodes: { a: hanging(), b: answering() },
    advanceMs: 2_000,
    status: 200,
    event: { attempts: 2, success: true, provider: "b", latencyMs: 2_000, hedgeCount: 1 },
  },
  "all time is used up": {
    body: CALL,
    nodes: { a: hanging(), b: hanging() },
    options: { processingTimeoutMs: 3_000 },
    advanceMs: 3_000,
    status: 504,
    event: {
      errorClass: "upstream_timeout",
      attempts: 2,
      success: false,
      computeUnits: 0,
      provider: "b",
      hedgeCount: 1,
      latencyMs: 3_000,
    },
  },
  "garbage": {
    body: CALL,
    nodes: { a: html(200) },
    status: 502,
    event: { errorClass: "malformed_answer", success: false, computeUnits: 0 },
  },
  "an HTTP error of the node is an answer that is charged": {
    body: CALL,
    nodes: { a: html(500) },
    status: 502,
    event: { errorClass: "upstream_http_error", success: false, computeUnits: 20, provider: "a" },
  },
  "a rate limit of the node": {
    body: CALL,
    nodes: { a: html(429), b: answering() },
    status: 200,
    event: { attempts: 2, success: true, provider: "b" },
  },
  "the client leaves": {
    body: CALL,
    nodes: { a: hanging() },
    leaves: true,
    // Nobody looks for the client of a call that is answered at once.
    advanceMs: 100,
    status: 499,
    event: { errorClass: "client_closed", success: false, computeUnits: 0, provider: "a", latencyMs: 100 },
  },
  "nobody serves the add-on": {
    body: { ...CALL, method: "trace_block" },
    nodes: { a: answering() },
    status: 502,
    event: {
      errorClass: "no_provider",
      attempts: 0,
      success: false,
      computeUnits: 0,
      provider: "",
      apiMethod: "trace_block",
      isDebugTrace: true,
      isArchive: true,
    },
  },
  "an unknown method": {
    body: { ...CALL, method: "eth_new" },
    nodes: { a: answering() },
    status: 200,
    event: { apiMethod: "Default-eth_new", computeUnits: 20 },
  },
  "not JSON": { body: "{", nodes: { a: answering() }, status: 400, event: "no event" },
  "no request": { body: { foo: "boo" }, nodes: { a: answering() }, status: 400, event: "no event" },
  "a batch over its limit": {
    body: BATCH,
    nodes: { a: answering() },
    options: { maxBatchSize: 1 },
    status: 429,
    event: "no event",
  },
  "a project id that is none": {
    body: CALL,
    headers: { "project-id": "x".repeat(300) },
    nodes: { a: answering() },
    status: 400,
    event: "no event",
  },
};

for (const [name, branch] of Object.entries(BRANCHES)) {
  Deno.test(`one relay, one event: ${name}`, async () => {
    const clock = new FakeClock();
    const usage = new MemorySink();
    const { fetch } = scriptedNodes(branch.nodes);
    const providers = Object.keys(branch.nodes).map((host) => ({
      name: host,
      nodeUrls: [{ url: `https://${host}/`, addons: ["debug", "archive"] }],
    }));
    const relay = createRelay({ chainId: "ETH1", providers, usage, fetch, clock, random: () => 0, ...branch.options });
    const controller = new AbortController();
    const request = new Request("http://relay.example/", {
      method: "POST",
      headers: { "content-type": "application/json", ...branch.headers },
      body: typeof branch.body === "string" ? branch.body : JSON.stringify(branch.body),
      signal: controller.signal,
    });
    const arrivedAt = clock.now();
    const responding = relay.fetch(request);
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve));
    if (branch.leaves) controller.abort();
    if (branch.advanceMs !== undefined) await clock.advance(branch.advanceMs);
    const response = await responding;
    await settle();

    assertEquals(response.status, branch.status);
    await response.body?.cancel();
    assertEquals(clock.pending, 0, "no timer is left");
    if (branch.event === "no event") return assertEquals(usage.events, []);
    const [method] = [branch.body].flat() as (typeof CALL)[];
    assertEquals(usage.events, [{
      kind: "relay_usage",
      timeUnixMs: arrivedAt,
      project: "DefaultDappID",
      chain: "ETH1",
      apiInterface: "jsonrpc",
      apiMethod: method!.method,
      computeUnits: 20,
      latencyMs: 0,
      success: true,
      cacheHit: false,
      isWrite: method!.method === "eth_sendRawTransaction",
      isArchive: false,
      isBatch: Array.isArray(branch.body),
      isDebugTrace: false,
      hedgeCount: 0,
      provider: "a",
      origin: "",
      errorClass: "",
      attempts: 1,
      ...(branch.body === WRITE && { computeUnits: 10 }),
      ...(Array.isArray(branch.body) && branch.body.length > 1 && {
        apiMethod: "eth_getBalance&eth_chainId",
        computeUnits: 30,
      }),
      ...branch.event,
    }]);
  });
}
