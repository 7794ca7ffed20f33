import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { finalLedger } from "../support/bill.ts";
import { writeConfig } from "../support/config.ts";
import { startCountingNode } from "../support/counting_node.ts";
import { runCli, startRelay } from "../support/relay_process.ts";
import { query, storeFolder } from "../support/store.ts";

Deno.test("a project over its budget gets 429 in the protocol's shape; no node is asked, nothing is billed, others go on", async () => {
  await using folder = await storeFolder();
  await using node = startCountingNode();
  await using config = await writeConfig([{ name: "node", url: node.url }], [], [
    { id: "acme", "units-per-day": 100 },
    { id: "globex", "units-per-second": 1 },
  ]);
  const path = `${folder.path}/usage.db`;
  await using relay = await startRelay([
    config.path,
    `--usage-store=${path}`,
    "--metrics-listen-address=127.0.0.1:0",
  ]);
  const call = async (project: string, isBatch = false) => {
    const body = { jsonrpc: "2.0", id: "7", method: "eth_blockNumber", params: [project] };
    const response = await fetch(relay.urls[0]!, {
      method: "POST",
      headers: { "content-type": "application/json", "project-id": project },
      body: JSON.stringify(isBatch ? [body, body] : body),
    });
    return { status: response.status, retryAfter: response.headers.get("retry-after"), body: await response.json() };
  };
  for (let i = 0; i < 10; i++) assertEquals((await call("acme")).status, 200);
  const refused = await call("acme");
  assertEquals(refused.status, 429);
  const retryAfter = Number(refused.retryAfter);
  assert(retryAfter >= 1 && retryAfter <= 86_400, `${retryAfter}`);
  const { jsonrpc, id, error } = refused.body;
  assertEquals([jsonrpc, id, error.code, error.data.code], ["2.0", "7", 429, "over_budget"]);
  assertStringIncludes(error.message, "project acme has used the 100 compute units of this day (UTC); try again in");

  // A call that costs ten seconds' units is made, and waited for.
  assertEquals([(await call("globex")).status, (await call("globex")).status], [200, 429]);
  assertEquals((await call("globex", true)).status, 429);
  assertEquals((await call("initech")).status, 200);

  const metricsUrl = relay.log.find(({ message }) => String(message).includes("metrics"))!["address"];
  const metrics = await (await fetch(`http://${metricsUrl}/metrics`)).text();
  const rejections = metrics.split("\n").filter((line) => line.includes("budget_rejections_total{"));
  assertEquals(rejections.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0), 3, rejections.join("\n"));

  assertEquals(Object.fromEntries(node.calls), { acme: 10, globex: 1, initech: 1 });
  relay.kill("SIGTERM");
  assertEquals(await relay.exited, 0);
  assertEquals(finalLedger(relay.log), { accepted: 12, exported: 12 });
  assertEquals(query(path, "SELECT project, sum(cu) AS cu FROM relay_usage GROUP BY 1 ORDER BY 1"), [
    { project: "acme", cu: 100 },
    { project: "globex", cu: 10 },
    { project: "initech", cu: 10 },
  ]);
});

Deno.test("what was used of the day holds after a restart, where the relay keeps its events", async () => {
  await using folder = await storeFolder();
  await using node = startCountingNode();
  await using config = await writeConfig([{ name: "node", url: node.url }], [], [{ id: "acme", "units-per-day": 30 }]);
  const statuses: number[] = [];
  for (let life = 0; life < 2; life++) {
    await using relay = await startRelay([config.path, `--usage-store=${folder.path}/usage.db`]);
    for (let call = 0; call < 2; call++) {
      const response = await fetch(relay.urls[0]!, {
        method: "POST",
        headers: { "content-type": "application/json", "project-id": "acme" },
        body: '{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":["acme"]}',
      });
      await response.body?.cancel();
      statuses.push(response.status);
    }
    relay.kill("SIGTERM");
    assertEquals(await relay.exited, 0);
  }
  assertEquals(statuses, [200, 200, 200, 429]);
});

Deno.test("every mistake in the budgets of a configuration is told at once", async () => {
  await using config = await writeConfig([{ name: "node", url: "http://127.0.0.1:1" }], [], [
    { id: "a", "units-per-day": 0 },
    { id: "b" },
    { id: "b", "units-per-second": 1.5 },
    { "units-per-second": 5 },
    { id: "c", "units-per-second": 5, "unit-per-day": 5 },
    { id: "d\u0001", "units-per-second": 5 },
  ]);
  const { code, err } = await runCli("validate", config.path);
  assertEquals(code, 2);
  for (
    const mistake of [
      "projects[0].units-per-day: must be a whole number, 1 or more; is 0",
      "projects[1]: needs units-per-second or units-per-day, or both",
      "projects[2].units-per-second: must be a whole number, 1 or more; is 1.5",
      "projects[2].id: is the id of another project; ids are unique",
      "projects[3].id: is missing",
      'projects[4].unit-per-day: unknown member "unit-per-day"',
      "projects[5].id: can't be a project id",
    ]
  ) assertStringIncludes(err, mistake);
});
