import { assertEquals } from "@std/assert";
import { withProbes } from "../../src/hosts/probes.ts";

const reasons: string[] = [];
const listener = withProbes(() => Promise.resolve(new Response("relayed")), () => reasons);

async function ask(url: string, method = "GET", path?: string): Promise<string> {
  const response = await listener(new Request(url, { method }), path === undefined ? {} : { path });
  return `${response.status} ${await response.text()}`;
}

Deno.test("probes are answered by their path alone, and everything else is handed on", async () => {
  assertEquals(await ask("http://relay.example/livez"), '200 {"status":"live"}');
  assertEquals(await ask("http://relay.example/readyz"), '200 {"status":"ready"}');
  assertEquals(await ask("http://relay/", "GET", "/readyz"), '200 {"status":"ready"}');
  for (const url of ["/", "/lzvez", "/eth1/livez", "/livez/", "/livez?a=b", "/cosmos/z", "/?/livez"]) {
    assertEquals([url, await ask(`http://relay.example${url}`)], [url, "200 relayed"]);
  }
  for (const verb of ["POST", "PUT", "OPTIONS"]) {
    assertEquals([verb, await ask("http://relay.example/readyz", verb)], [verb, "200 relayed"]);
  }
});

Deno.test("who is not ready says why, and is live", async () => {
  reasons.push("it is shutting down");
  assertEquals(
    await ask("http://relay.example/readyz"),
    '503 {"status":"not ready","reasons":["it is shutting down"]}',
  );
  assertEquals(await ask("http://relay.example/livez"), '200 {"status":"live"}');
});
