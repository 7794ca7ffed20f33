import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { writeConfig } from "../support/config.ts";
import { startCountingNode } from "../support/counting_node.ts";
import { runCli, startRelay } from "../support/relay_process.ts";
import { query, storeFolder } from "../support/store.ts";

Deno.test("each billed call gets a receipt, and the receipts are the bill", async () => {
  await using folder = await storeFolder();
  await using node = startCountingNode();
  await using config = await writeConfig([{ name: "node", url: node.url }]);
  const path = `${folder.path}/usage.db`;
  await using relay = await startRelay([config.path, `--usage-store=${path}`, "--usage-receipts"]);
  const call = async (body: unknown, project = "acme") => {
    const response = await fetch(relay.urls[0]!, {
      method: "POST",
      headers: { "content-type": "application/json", "project-id": project },
      body: JSON.stringify(body),
    });
    await response.body?.cancel();
    return response.headers.get("relaymeter-usage");
  };
  const request = { jsonrpc: "2.0", id: 1, method: "eth_getBalance", params: ["acme"] };
  const receipts = await Promise.all([
    ...Array.from({ length: 20 }, () => call(request)),
    call({ ...request, method: "eth_blockNumber" }),
    call({ ...request, method: "eth_thisIsNoMethod" }),
  ]);
  // What is no relay has no receipt.
  assertEquals(await call({ jsonrpc: "1.5" }), null);
  assertEquals(await call(request, "x".repeat(300)), null);
  relay.kill("SIGTERM");
  assertEquals(await relay.exited, 0);

  const stored = query(
    path,
    "SELECT name || '/' || sequence AS id, cu FROM relay_usage JOIN boot ON boot.id = boot_id",
  );
  assertEquals(new Set(receipts), new Set(stored.map(({ id, cu }) => `${id};cu=${cu}`)));
  assertEquals(receipts.length, stored.length);
  const [id, price] = receipts[0]!.split(";cu=");
  const shown = await runCli("usage", "show", id!, path);
  assertStringIncludes(shown.out, `cu              ${price}\n`);
  assertStringIncludes(shown.out, "api_method      eth_getBalance\n");
});

Deno.test("a call that no node answered has a receipt for nothing", async () => {
  await using folder = await storeFolder();
  await using config = await writeConfig([{ name: "node", url: "http://127.0.0.1:1" }]);
  await using relay = await startRelay([config.path, `--usage-store=${folder.path}/usage.db`, "--usage-receipts"]);
  const response = await fetch(relay.urls[0]!, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}',
  });
  await response.body?.cancel();
  assertEquals(response.status, 502);
  const receipt = response.headers.get("relaymeter-usage");
  assert(receipt?.endsWith("/1;cu=0"), String(receipt));
});

Deno.test("receipts without ids are refused", async () => {
  await using config = await writeConfig([{ name: "node", url: "http://127.0.0.1:1" }]);
  for (const flags of [[], ["--usage-otel-enabled"]]) {
    const { code, err } = await runCli("rpcsmartrouter", config.path, "--usage-receipts", ...flags);
    assertEquals(code, 2);
    assertStringIncludes(err, "--usage-receipts: needs events with ids");
  }
});
