import { createRelay } from "../../mod.ts";

/** What a developer's worker would do; the test runs it where there is nothing but the web's own globals. */
export const result = (async () => {
  await using relay = createRelay({
    chainId: "ETH1",
    providers: [{ name: "a", nodeUrls: [{ url: "https://node.example" }] }],
    fetch: () => Promise.resolve(new Response('{"jsonrpc":"2.0","id":1,"result":"0x1"}')),
  });
  const init = { method: "POST", headers: { "content-type": "application/json" } };
  const body = '{"jsonrpc":"2.0","id":7,"method":"eth_chainId"}';
  const response = await relay.fetch(new Request("http://relay.example/", { ...init, body }));
  return `${response.status} ${await response.text()}`;
})();

Object.assign(globalThis, { result });
