import { assert, assertEquals } from "@std/assert";
import { createRelay, type RelayConfig } from "../../mod.ts";
import { chooseCoding } from "../../src/hosts/compression.ts";
import { answering, scriptedNodes } from "../support/scripted_node.ts";

const LARGE = "x".repeat(10_000);

function start(options: Partial<RelayConfig> = {}, result = LARGE) {
  const { fetch, calls } = scriptedNodes({ a: answering(() => result) });
  const providers = [{ name: "a", nodeUrls: [{ url: "http://a", ipForwarding: true }] }];
  return { relay: createRelay({ chainId: "ETH1", providers, ...options, fetch }), calls };
}

function post(headers: Readonly<Record<string, string>> = {}): Request {
  const all = { "content-type": "application/json", ...headers };
  const body = '{"jsonrpc":"2.0","id":7,"method":"eth_chainId"}';
  return new Request("http://relay.example/", { method: "POST", headers: all, body });
}

async function inflated(response: Response, format: CompressionFormat): Promise<string> {
  return await new Response(response.body!.pipeThrough(new DecompressionStream(format))).text();
}

const ANSWER = JSON.stringify({ jsonrpc: "2.0", id: 7, result: LARGE });

/** What a client takes, what the relay has, and what the body is. */
const CODINGS:
  readonly (readonly [RelayConfig["responseCompression"], accepted: string | null, coding: string | null])[] = [
    ["gzip", "gzip, deflate, br", "gzip"],
    ["gzip", "GZIP;q=0.5", "gzip"],
    ["gzip", "br", null],
    ["gzip", "gzip;q=0", null],
    ["gzip", "identity", null],
    ["gzip", null, null],
    ["gzip", "*", "gzip"],
    ["gzip", "*, gzip;q=0", null],
    ["brotli", "gzip, br", "br"],
    ["brotli", "gzip;q=1, br;q=0.1", "gzip"],
    ["brotli", "gzip", "gzip"],
    ["off", "gzip, br", null],
  ];

for (const [responseCompression, accepted, coding] of CODINGS) {
  Deno.test(`with ${responseCompression}, a client that takes ${accepted} gets ${coding ?? "the plain body"}`, async () => {
    const { relay } = start({ responseCompression: responseCompression! });
    const response = await relay.fetch(post(accepted === null ? {} : { "accept-encoding": accepted }));
    assertEquals(response.headers.get("content-encoding"), coding);
    assertEquals(response.headers.get("vary"), responseCompression === "off" ? null : "accept-encoding");
    if (coding === null) return assertEquals(await response.text(), ANSWER);
    const format = coding === "br" ? "brotli" as CompressionFormat : "gzip";
    assertEquals(await inflated(response, format), ANSWER);
  });
}

Deno.test("short answers are not compressed, and the limit can be set", async () => {
  const short = start({}, "0x1").relay;
  const headers = { "accept-encoding": "gzip" };
  const plain = await short.fetch(post(headers));
  assertEquals([plain.headers.get("content-encoding"), (await plain.json()).result], [null, "0x1"]);
  const eager = start({ responseCompressionMinBytes: 1 }, "0x1").relay;
  assert((await inflated(await eager.fetch(post(headers)), "gzip")).includes("0x1"));
});

Deno.test("a client may name ten thousand codings, of which the first are looked at", () => {
  assertEquals(chooseCoding(`${"x,".repeat(10_000)}gzip`, ["gzip"]), undefined);
});

/** `--cors-origin`, a page's origin, and whether it may call, with credentials. */
const ORIGINS: readonly (readonly [string, string, allowed: string | null, credentials: string | null])[] = [
  ["*", "https://a.example", "*", null],
  ["https://a.example,https://b.example", "https://b.example", "https://b.example", "true"],
  ["https://a.example", "https://A.example", "https://A.example", "true"],
  ["https://a.example", "https://evil.example", null, null],
  ["https://a.example", "null", null, null],
];

for (const [corsOrigin, origin, allowed, credentials] of ORIGINS) {
  Deno.test(`pages of ${corsOrigin} may call: one of ${origin} ${allowed === null ? "may not" : "may"}`, async () => {
    const { relay } = start({ corsOrigin });
    const preflight = new Request("http://relay.example/", { method: "OPTIONS", headers: { origin } });
    for (const response of [await relay.fetch(post({ origin })), await relay.fetch(preflight)]) {
      await response.body?.cancel();
      assertEquals(response.headers.get("access-control-allow-origin"), allowed);
      assertEquals(response.headers.get("access-control-allow-credentials"), credentials);
      assertEquals(response.headers.get("vary")?.includes("origin") ?? false, corsOrigin !== "*");
    }
  });
}

Deno.test("a preflight says which headers and verbs a page may use, and no credentials where they are off", async () => {
  const options = {
    corsOrigin: "https://a.example",
    corsHeaders: "x-one",
    corsMethods: "POST",
    corsCredentials: false,
  };
  const { relay } = start(options);
  const headers = { "origin": "https://a.example", "access-control-request-headers": "x-two" };
  const { status, headers: got } = await relay.fetch(
    new Request("http://relay.example/", { method: "OPTIONS", headers }),
  );
  assertEquals([status, got.get("access-control-allow-headers"), got.get("access-control-allow-methods")], [
    204,
    "x-one",
    "POST",
  ]);
  assertEquals(got.get("access-control-allow-credentials"), null);
});

Deno.test("the client's address is what a trusted proxy says, and nobody else", async () => {
  const { relay, calls } = start({ trustedProxies: ["10.0.0.0/8"] });
  const headers = { "x-forwarded-for": "198.51.100.1" };
  for (const clientAddress of ["10.1.1.1", "203.0.113.1"]) {
    await (await relay.fetch(post(headers), { clientAddress })).body?.cancel();
  }
  assertEquals(calls.map((call) => call.headers.get("x-forwarded-for")), ["198.51.100.1", "203.0.113.1"]);
});

Deno.test("the address that a WebSocket counts for is what a trusted proxy says, too", () => {
  const { relay } = start({ trustedProxies: ["10.0.0.0/8"], sockets: { maxConnectionsPerAddress: 1 } });
  const connect = (forwardedFor: string) => {
    const headers = { "upgrade": "websocket", "x-forwarded-for": forwardedFor };
    const request = new Request("http://relay.example/ws", { headers });
    const decision = relay.upgrade(request, { clientAddress: "10.1.1.1" });
    if (decision instanceof Response) return decision.status;
    return decision({ bufferedAmount: 0, send: () => true, close() {} });
  };
  const [first, second] = [connect("198.51.100.1"), connect("198.51.100.2")];
  assert(typeof first !== "number" && typeof second !== "number");
  assertEquals(connect("198.51.100.1"), 429);
  first.closed();
  second.closed();
  const again = connect("198.51.100.1");
  assert(typeof again !== "number");
  again.closed();
});

Deno.test("each request has a name of its own, errors too", async () => {
  const { relay } = start();
  const names: (string | null)[] = [];
  for (const request of [post(), post(), post({ "lava-debug-relay": "perhaps" })]) {
    const response = await relay.fetch(request);
    await response.body?.cancel();
    names.push(response.headers.get("lava-guid"));
  }
  assert(names.every((name) => name !== null && /^[0-9a-f]{12}-[0-9a-f]+$/.test(name)), String(names));
  assertEquals(new Set(names).size, 3);
});
