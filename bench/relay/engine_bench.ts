/** What the engine adds to a request: all of it over the bare way from the body to the answer. */
import { MemoryCache } from "../../mod.ts";
import { CountingSink, createEngine, decode, instantTransport, requestOf } from "./setup.ts";

const BODY = new TextEncoder().encode('{"jsonrpc":"2.0","id":7,"method":"eth_getBalance","params":["0x0","latest"]}');
const NODE = {} as Parameters<typeof instantTransport.send>[0];
const SIGNAL = new AbortController().signal;

const group = "one request";

Deno.bench("bare: decode, match, send, read the reply", { group, baseline: true }, async () => {
  const request = requestOf(decode(BODY), "acme");
  const sent = await instantTransport.send(NODE, request.nodeRequest, "", SIGNAL);
  if (sent.kind === "reply") request.call.readReply(sent.reply);
});

const plain = createEngine({ hedgeQuantile: 0 });
Deno.bench("the engine, with metering and metrics", { group }, async () => {
  await plain.relay.run(requestOf(decode(BODY), "acme"));
});

const hedging = createEngine();
Deno.bench("the same, with hedging at a quantile", { group }, async () => {
  await hedging.relay.run(requestOf(decode(BODY), "acme"));
});

const cached = createEngine({ hedgeQuantile: 0 }, new CountingSink(), new MemoryCache());
Deno.bench("answered from the cache", { group }, async () => {
  await cached.relay.run(requestOf(decode(BODY), "acme"));
});
