/** The relay on Node, as the example has it. */
import { assertEquals } from "@std/assert";
import { bundle, startProgram } from "../../support/edge/program.ts";
import { playEdgeScenario, startEdgeStage } from "../../support/edge/scenario.ts";
import { installTool } from "../../support/npm_tool.ts";

Deno.test("on Node calls, REST, WebSockets and subscriptions are relayed, and are on the bill", async () => {
  const node = await installTool("node", "22.23.3");
  if (node === undefined) return;
  const main = await bundle("examples/edge/node/main.ts", "deno");
  try {
    await using stage = startEdgeStage();
    await using program = await startProgram(`${node}/bin/node`, [main], { ...stage.settings, PORT: "0" });
    await playEdgeScenario(program.url, stage);
    program.kill("SIGTERM");
    assertEquals(await program.exited, 0, "its ledger says that everything was exported");
  } finally {
    await Deno.remove(main);
  }
});
