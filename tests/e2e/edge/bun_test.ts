/** The relay on Bun, as the example has it. */
import { assertEquals } from "@std/assert";
import { bundle, startProgram } from "../../support/edge/program.ts";
import { playEdgeScenario, startEdgeStage } from "../../support/edge/scenario.ts";
import { installTool } from "../../support/npm_tool.ts";

Deno.test("on Bun calls, REST, WebSockets and subscriptions are relayed, and are on the bill", async () => {
  const bun = await installTool("bun", "1.4.5");
  if (bun === undefined) return;
  const main = await bundle("examples/edge/bun/main.ts", "deno");
  try {
    await using stage = startEdgeStage();
    await using program = await startProgram(`${bun}/bin/bun.exe`, [main], { ...stage.settings, PORT: "0" });
    await playEdgeScenario(program.url, stage);
    program.kill("SIGTERM");
    assertEquals(await program.exited, 0, "its ledger says that everything was exported");
  } finally {
    await Deno.remove(main);
  }
});
