import { assertEquals } from "@std/assert";
import { ConfigError, createRelay, type RelayOptions } from "../../mod.ts";
import { denoConnect } from "../../src/transports/http1/deno_connect.ts";
import { Http1Transport } from "../../src/transports/http1/transport.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { describe, sendTo } from "../support/http1_transports.ts";
import { nodeUrlOf } from "../support/node_url.ts";

const PEM = "-----BEGIN CERTIFICATE-----\n";
const nodeUrl = nodeUrlOf("https://node.example/");

function mistakeOf(options: Partial<RelayOptions>, url = "https://node.example"): string {
  const providers = [{ name: "a", nodeUrls: [{ url, tls: { cacertPem: PEM } }] }];
  try {
    createRelay({ chainId: "ETH1", providers, ...options });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.mistakes.map(({ path, message }) => `${path.join(".")}: ${message}`).join("\n");
  }
  return "no mistake";
}

Deno.test("TLS options are refused where fetch would have to heed them", async () => {
  const refused = "providers: TLS options of https node URLs need HTTP/1.1 over the relay's own connections, " +
    "and fetch is used here";
  assertEquals(mistakeOf({}), refused);
  assertEquals(mistakeOf({ connect: denoConnect, upstreamTransport: "fetch" }), refused);
  const providers = [{ name: "a", nodeUrls: [{ url: "https://node.example", tls: { cacertPem: PEM } }] }];
  await createRelay({ chainId: "ETH1", providers, connect: denoConnect }).close();
});

Deno.test("http1 needs something that connects", () => {
  assertEquals(mistakeOf({ upstreamTransport: "http1" }), "upstreamTransport: http1 needs a connect");
});

Deno.test("a node that speaks only HTTP/2 is asked by the fallback, and at once from then on", async () => {
  let connects = 0;
  const connect = () => {
    connects++;
    return Promise.resolve({ kind: "failure" as const, reason: "it does not speak HTTP/1.1", isOtherProtocol: true });
  };
  const reply = { status: 200, headers: [], body: new TextEncoder().encode("h2"), trailers: [], retryAfterMs: 0 };
  const fallback = { send: () => Promise.resolve({ kind: "reply" as const, reply }) };
  const clock = new FakeClock();
  const transport = new Http1Transport({ connect, clock, fallback }, { maxReplyBytes: 100 });
  const url = nodeUrl;
  assertEquals([describe(await sendTo(transport, url)), describe(await sendTo(transport, url)), connects], [
    "200 h2",
    "200 h2",
    1,
  ]);
  const strict = new Http1Transport({ connect, clock }, { maxReplyBytes: 100 });
  assertEquals(describe(await sendTo(strict, url)), "upstream_unreachable");
});
