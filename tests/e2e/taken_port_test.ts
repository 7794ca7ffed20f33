import { assertEquals, assertStringIncludes } from "@std/assert";
import { runCli } from "../support/relay_process.ts";

/** What is to be listened on, in place of PORT a port that is taken; and what the message calls it. */
const LISTENERS: readonly (readonly [string, readonly string[], string])[] = [
  ["127.0.0.1:PORT ETH1 jsonrpc", [], "the endpoint of ETH1 jsonrpc"],
  ["127.0.0.1:0 ETH1 jsonrpc", ["--metrics-listen-address", "127.0.0.1:PORT"], "--metrics-listen-address"],
  ["127.0.0.1:0 ETH1 jsonrpc", ["--ui=127.0.0.1:PORT"], "--ui"],
  ["127.0.0.1:0 ETH1 jsonrpc", ["--admin-listen-address=PORT"], "--admin-listen-address"],
];

for (const [listens, flags, name] of LISTENERS) {
  Deno.test(`a port in use for ${name} ends it with 1, by the port and what it is for`, async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    const args = [...listens.split(" "), "--upstream=http://127.0.0.1:1", ...flags];
    const { code, out, err } = await runCli("rpcsmartrouter", ...args.map((arg) => arg.replace("PORT", String(port))));
    assertEquals([code, out], [1, ""], err);
    assertStringIncludes(err, `${name}: 127.0.0.1:${port} is in use by another program`);
  });
}
