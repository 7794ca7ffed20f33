import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { finalLedger } from "../support/bill.ts";
import { writeConfig } from "../support/config.ts";
import { startCountingNode } from "../support/counting_node.ts";
import { startLoad } from "../support/load.ts";
import { runCli, startRelay } from "../support/relay_process.ts";
import { mountTmpfs } from "../support/spool_mount.ts";
import { query, storeFolder } from "../support/store.ts";

const COUNT = "SELECT project, count(*) AS n, sum(cu) AS cu FROM relay_usage GROUP BY 1 ORDER BY 1";
const PROJECTS = ["acme", "globex"];

Deno.test("a relay keeps its events in a file: each of them, through a kill, and the log proves it", async () => {
  await using folder = await storeFolder();
  await using node = startCountingNode();
  await using config = await writeConfig([{ name: "node", url: node.url }]);
  const path = `${folder.path}/usage.db`;
  const args = [config.path, `--usage-store=${path}`, "--usage-otel-flush-interval=10ms"];

  await using killed = await startRelay(args);
  assertEquals(killed.log.find(({ message }) => message === "relay is listening")!["usage"], "store");
  const load = startLoad(killed.urls[0]!, 4, { projects: PROJECTS, paramsOf: (project) => [project] });
  await load.untilAnswered(200);
  // Another one can't have the file meanwhile.
  const second = await runCli("rpcsmartrouter", config.path, `--usage-store=${path}`);
  assertEquals(second.code, 2);
  assertStringIncludes(second.err, `--usage-store: ${path} is being written by another process`);
  killed.kill("SIGKILL");
  await killed.exited;
  await load.stop();
  const [{ n: kept }] = query(path, "SELECT count(*) AS n FROM relay_usage") as [{ n: number }];
  assert(kept > 0 && kept <= load.answered.length + load.broken.length);

  const before = new Map(node.calls);
  await using relay = await startRelay(args);
  const again = startLoad(relay.urls[0]!, 4, { projects: PROJECTS, paramsOf: (project) => [project] });
  await again.untilAnswered(500);
  await again.stop();
  relay.kill("SIGTERM");
  assertEquals(await relay.exited, 0);
  const count = again.answered.length;
  assertEquals(finalLedger(relay.log), { accepted: count, exported: count });
  const boot = relay.log.find((line) => "usage_boot" in line)!["usage_boot"];
  const ofBoot = COUNT.replace("GROUP", `JOIN boot ON boot.id = boot_id WHERE name = '${boot}' GROUP`);
  assertEquals(
    query(path, ofBoot),
    PROJECTS.map((project) => {
      const n = node.calls.get(project)! - (before.get(project) ?? 0);
      return { project, n, cu: 10 * n };
    }),
  );
  await Deno.writeTextFile(`${folder.path}/relay.log`, relay.log.map((line) => JSON.stringify(line)).join("\n"));
  const reconciled = await runCli("usage", "reconcile", path, "--ledger", `${folder.path}/relay.log`);
  assertEquals(reconciled.code, 1, "the killed boot has said nothing");
  assertStringIncludes(reconciled.out, `${boot}\n  numbered ${count}, arrived ${count}, missing 0`);
});

Deno.test("a relay whose store's disk is full answers on, and stores what it holds when there is room", async () => {
  await using mount = await mountTmpfs("size=4m");
  if (mount === undefined) return;
  await using node = startCountingNode();
  await using config = await writeConfig([{ name: "node", url: node.url }]);
  const path = `${mount.path}/usage.db`;
  await using relay = await startRelay([
    config.path,
    `--usage-store=${path}`,
    "--usage-otel-flush-interval=10ms",
    "--usage-otel-export-timeout=20s",
  ]);
  await mount.fill();
  const load = startLoad(relay.urls[0]!, 4, { projects: PROJECTS, paramsOf: (project) => [project] });
  await load.untilAnswered(1_000);
  await load.stop();
  assert(load.answered.every(({ status }) => status === 200));
  await mount.empty();
  relay.kill("SIGTERM");
  assertEquals(await relay.exited, 0);
  const count = load.answered.length;
  assertEquals(finalLedger(relay.log), { accepted: count, exported: count });
  assertEquals(query(path, "SELECT count(*) AS n FROM relay_usage"), [{ n: count }]);
  assert(relay.log.some(({ message }) => String(message).startsWith("events can't be stored")));
});

Deno.test("a store that can't be is refused before anything listens", async () => {
  await using folder = await storeFolder();
  await using config = await writeConfig([{ name: "node", url: "http://127.0.0.1:1" }]);
  const notes = `${folder.path}/notes.txt`;
  await Deno.writeTextFile(notes, "my notes\n".repeat(1_000));
  for (
    const [args, message] of [
      [[`--usage-store=${notes}`], `--usage-store: ${notes} is no store`],
      [["--usage-store=/nowhere/usage.db"], "--usage-store: /nowhere/usage.db can't be opened"],
      [[`--usage-store=${folder.path}/a.db`, "--usage-otel-enabled"], "leave out --usage-otel-enabled"],
      [[`--usage-store=${folder.path}/a.db`, `--usage-spool-dir=${folder.path}`], "--usage-spool-dir: needs"],
    ] as const
  ) {
    const { code, err } = await runCli("rpcsmartrouter", config.path, ...args);
    assertEquals(code, 2, err);
    assertStringIncludes(err, message);
  }
});

Deno.test("one file made of the whole program serves the page and keeps the store as well", async () => {
  await using folder = await storeFolder();
  const bundle = `${folder.path}/relaymeter.js`;
  const bundled = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--output", bundle, new URL("../../cli.ts", import.meta.url).pathname],
  }).output();
  assert(bundled.success, new TextDecoder().decode(bundled.stderr));
  const path = `${folder.path}/usage.db`;
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-config", bundle, "rpcsmartrouter", "127.0.0.1:0", "ETH1", "jsonrpc"],
      ...["--upstream=http://127.0.0.1:1", `--usage-store=${path}`, "--ui=127.0.0.1:0"],
    ],
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let log = "";
  for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
    log += text;
    const url = /"url":"(http:[^"]+)"/.exec(log)?.[1];
    if (url === undefined || !log.includes("relay is listening")) continue;
    const page = await fetch(url);
    assertStringIncludes(await page.text(), "<title>Relaymeter</title>");
    child.kill("SIGTERM");
    break;
  }
  assertEquals((await child.status).code, 0, log);
  assertEquals(query(path, "SELECT count(*) AS n FROM relay_usage"), [{ n: 0 }]);
});
