import { assert, assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { createOtelUsageSink } from "../../mod.ts";
import { startBrowser } from "../support/browser.ts";
import { startCollector } from "../support/collector_process.ts";
import { writeConfig } from "../support/config.ts";
import { startCountingNode } from "../support/counting_node.ts";
import { startLoad } from "../support/load.ts";
import { installTool } from "../support/npm_tool.ts";
import { exchange } from "../support/raw_http.ts";
import { startRelay } from "../support/relay_process.ts";
import { storeFolder } from "../support/store.ts";
import { qosEvent, relayEvent } from "../support/usage.ts";

const HTML = '<img src=x onerror="document.title=1">';

/** Texts of a table's rows, cell by cell. */
function rowsOf(page: Page, id: string): Promise<string[][]> {
  return page.evaluate(`[...document.querySelectorAll("#${id} tr")].map((row) =>
    [...row.children].map((cell) => cell.textContent))`);
}

/** What axe finds wrong with a page; nothing, and a line that says why, where it can't be had. */
async function violationsOf(page: Page): Promise<string[]> {
  const folder = await installTool("axe-core", "4.11.0");
  if (folder === undefined) return [];
  await page.evaluate(await Deno.readTextFile(`${folder}/axe.min.js`));
  return await page.evaluate(`axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => id + ": " + html.slice(0, 200) + " " + failureSummary)))`);
}

function urlOf(log: readonly Readonly<Record<string, unknown>>[]): string {
  return String(log.find(({ message }) => message === "usage page is served")!["url"]);
}

Deno.test("the page of a collector: units per project at once, live, filtered, with the keyboard, on a phone", async () => {
  await using browser = await startBrowser();
  if (browser === undefined) return;
  await using folder = await storeFolder();
  await using collector = await startCollector(`${folder.path}/usage.db`, { args: ["--ui=127.0.0.1:0"] });
  const usage = await createOtelUsageSink({ url: `http://${collector.address}/v1/logs`, flushIntervalMs: 20 });
  const emit = (project: string, apiMethod = "eth_call", count = 5) => {
    for (let i = 0; i < count; i++) {
      usage.emit(relayEvent({ project, apiMethod, computeUnits: 20, timeUnixMs: Date.now() }));
    }
  };
  emit("acme");
  emit("globex", HTML);
  usage.emitOptimizerQos(qosEvent({ timeUnixMs: Date.now() }));

  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, colorScheme: "dark" });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on("console", (message) => void (message.type() === "error" && problems.push(message.text())));
  page.on("pageerror", (error) => void problems.push(error.message));
  const foreign: string[] = [];
  page.on("request", (request) => void foreign.push(new URL(request.url()).origin));
  await page.goto(urlOf(collector.log));
  await page.locator("#status[data-state=live]").waitFor();
  await page.getByRole("rowheader", { name: "globex" }).first().waitFor({ timeout: 10_000 });
  const units = (rows: string[][]) => Object.fromEntries(rows.map(([project, , units]) => [project, units]));
  assertEquals(units(await rowsOf(page, "projects")), { acme: "100", globex: "100" });
  assertEquals((await rowsOf(page, "providers")).map((row) => row[0]), ["node"]);

  // What happens now is there a moment later.
  emit("initech", "eth_getLogs", 3);
  await page.getByRole("rowheader", { name: "initech" }).waitFor({ timeout: 10_000 });
  assertEquals(units(await rowsOf(page, "projects"))["initech"], "60");

  // Names are text, whatever they are.
  await page.getByRole("rowheader", { name: HTML }).waitFor();
  assertEquals(await page.locator("#methods img").count(), 0);
  assertEquals(await page.title(), "Relaymeter");

  // By keyboard: the link, the filter, and everything that scrolls.
  await page.keyboard.press("Tab");
  assertEquals(await page.evaluate("document.activeElement.className"), "skip");
  await page.keyboard.press("Tab");
  assertEquals(await page.evaluate("document.activeElement.id"), "project");
  await page.locator("#project").selectOption("acme");
  await page.waitForFunction("document.querySelectorAll('#projects tr').length === 1");
  assertEquals(units(await rowsOf(page, "projects")), { acme: "100" });
  assert((await rowsOf(page, "relays")).every((row) => row[1] === "acme"));

  // Nothing sticks out on a phone, and dark is dark.
  assertEquals(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), true);
  const back = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
  assertEquals(await back(), "rgb(16, 22, 29)");
  await page.getByLabel("Colours").selectOption("light");
  assertEquals(await back(), "rgb(246, 247, 249)");

  // What a machine can tell of access for everybody, in both colours.
  for (const theme of ["light", "dark"]) {
    await page.getByLabel("Colours").selectOption(theme);
    assertEquals(await violationsOf(page), [], theme);
  }

  assertEquals(new Set(foreign), new Set([new URL(page.url()).origin]), "all of it comes from here");
  assertEquals(problems, []);
  await context.close();
  await usage.close();
  assertEquals(await collector.end("SIGTERM"), 0);
});

Deno.test("the page of a relay: its ledger, with the equation shown to hold, and a word when the relay has gone", async () => {
  await using browser = await startBrowser();
  if (browser === undefined) return;
  await using node = startCountingNode();
  await using config = await writeConfig([{ name: "node", url: node.url }]);
  await using folder = await storeFolder();
  await using collector = await startCollector(`${folder.path}/usage.db`);
  await using relay = await startRelay([
    config.path,
    "--usage-otel-enabled",
    `--usage-otel-endpoint=${collector.address}`,
    "--ui=127.0.0.1:0",
  ]);
  const page = await browser.newPage();
  await page.goto(urlOf(relay.log));
  await page.locator("#status[data-state=live]").waitFor();
  const load = startLoad(relay.urls[0]!, 2, { projects: ["acme"], paramsOf: (project) => [project] });
  await load.untilAnswered(50);
  await load.stop();
  await page.getByText("The equation holds.").waitFor({ timeout: 10_000 });
  const accepted = load.answered.length;
  await page.getByText(
    `accepted ${accepted.toLocaleString("en")} = exported ${accepted.toLocaleString("en")} + dropped 0`,
  )
    .waitFor({ timeout: 10_000 });
  await page.getByRole("rowheader", { name: "acme" }).first().waitFor({ timeout: 10_000 });

  // Other names and other sites get nothing, whatever a browser would have made of it.
  const url = urlOf(relay.log);
  const head = (host: string, more = "") => `GET /events HTTP/1.1\r\nhost: ${host}\r\n${more}\r\n`;
  const here = new URL(url).host;
  assertEquals((await exchange(url, head("evil.example"))).status, 403);
  assertEquals((await exchange(url, head(here, "origin: https://evil.example\r\n"))).status, 403);

  relay.kill("SIGTERM");
  assertEquals(await relay.exited, 0);
  await page.locator("#status[data-state=lost]").waitFor({ timeout: 10_000 });
});
