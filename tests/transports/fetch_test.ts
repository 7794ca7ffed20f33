import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../mod.ts";
import { fieldOf, type NodeRequest } from "../../src/domain/wire.ts";
import { NodeHealth } from "../../src/providers/node_health.ts";
import type { NodeUrl } from "../../src/providers/provider.ts";
import type { SendResult } from "../../src/providers/transport.ts";
import { createFetchTransport, targetOf } from "../../src/transports/fetch.ts";

const REQUEST: NodeRequest = {
  verb: "POST",
  path: "",
  query: "",
  headers: [["content-type", "application/json"]],
  body: new TextEncoder().encode("{}"),
};

function urlOf(target: string, changes: Partial<NodeUrl> = {}): NodeUrl {
  const health = new NodeHealth();
  return {
    target,
    internalPath: "",
    headers: [["x-key", "s3cret"]],
    extraTimeoutMs: 0,
    addOns: new Set(),
    methods: undefined,
    forwardsAddress: false,
    health,
    ...changes,
  };
}

/** Sends one request to a node on a real socket that answers as `handler` says. */
async function send(
  handler: (request: Request) => Response | Promise<Response>,
  { maxReplyBytes = 1_000, changes = {} }: { maxReplyBytes?: number; changes?: Partial<NodeUrl> } = {},
): Promise<SendResult> {
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, handler);
  const transport = createFetchTransport(fetch, systemClock, { maxReplyBytes });
  const target = `http://127.0.0.1:${server.addr.port}/path?key=s3cret`;
  return await transport.send(urlOf(target, changes), REQUEST, "192.0.2.7", new AbortController().signal);
}

Deno.test("a node gets the body, its own credentials, and nothing of the caller", async () => {
  let seen: unknown;
  const result = await send(async (request) => {
    const { pathname, search } = new URL(request.url);
    const names = ["x-key", "content-type", "accept-encoding", "x-forwarded-for"];
    seen = [request.method, pathname, search, await request.text(), names.map((name) => request.headers.get(name))];
    return new Response("[]", { status: 418, headers: { "retry-after": "7" } });
  });
  assertEquals(seen, ["POST", "/path", "?key=s3cret", "{}", ["s3cret", "application/json", "identity", null]]);
  assert(result.kind === "reply");
  const { status, body, retryAfterMs, headers } = result.reply;
  assertEquals([status, new TextDecoder().decode(body), retryAfterMs], [418, "[]", 7_000]);
  assertEquals(fieldOf(headers, "retry-after"), "7");
});

Deno.test("a node that is to know the client's address is told it", async () => {
  let forwarded: string | null = null;
  await send((request) => {
    forwarded = request.headers.get("x-forwarded-for");
    return new Response();
  }, { changes: { forwardsAddress: true } });
  assertEquals(forwarded, "192.0.2.7");
});

Deno.test("a redirect is not followed: it would carry the credentials elsewhere", async () => {
  let requests = 0;
  const result = await send(() => {
    requests++;
    return new Response(null, { status: 307, headers: { location: "/elsewhere" } });
  });
  assertEquals([requests, result.kind === "reply" && result.reply.status], [1, 307]);
});

Deno.test("an answer over the limit is refused, declared or not", async () => {
  const large = new Uint8Array(2_000);
  for (const body of [large, new Blob([large]).stream()]) {
    const result = await send(() => new Response(body));
    assertEquals(result.kind === "failure" && result.error.code, "answer_too_large");
  }
  assertEquals((await send(() => new Response(new Uint8Array(1_000)))).kind, "reply");
  assertEquals((await send(() => new Response(new Blob([new Uint8Array(1_000)]).stream()))).kind, "reply");
});

Deno.test("what went wrong is told in words that hold no URL and no key", async () => {
  const transport = createFetchTransport(fetch, systemClock, { maxReplyBytes: 1_000 });
  const reasonOf = async (target: string) => {
    const result = await transport.send(urlOf(target), REQUEST, "", new AbortController().signal);
    return result.kind === "failure" ? [result.error.code, result.error.message] : result;
  };
  const cutting = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const cut = (async () => {
    for await (const connection of cutting) {
      await connection.read(new Uint8Array(1_000));
      connection.close();
    }
  })();
  const { port } = cutting.addr;
  const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  closed.close();
  const refused = ["upstream_unreachable", "connection refused"];
  const broken = ["upstream_disconnected", "the connection broke before the answer was complete"];
  const nameless = ["upstream_unreachable", "its name could not be resolved"];
  assertEquals(await reasonOf(`http://127.0.0.1:${closed.addr.port}/s3cret`), refused);
  assertEquals(await reasonOf("http://no-such-host.invalid/s3cret"), nameless);
  assertEquals(await reasonOf(`http://127.0.0.1:${port}/s3cret`), broken);
  cutting.close();
  await cut;
});

Deno.test("a request's own path and query go behind those of the node's URL", () => {
  const cases: [target: string, path: string, query: string, url: string][] = [
    ["https://n.example/v1?key=s", "", "", "https://n.example/v1?key=s"],
    ["https://n.example/", "/a/b", "", "https://n.example/a/b"],
    ["https://n.example/v1/?key=s", "/a", "x=1&y", "https://n.example/v1/a?key=s&x=1&y"],
    ["https://n.example/v1", "", "x=%2F", "https://n.example/v1?x=%2F"],
  ];
  for (const [target, path, query, url] of cases) assertEquals(targetOf(target, path, query), url);
});
