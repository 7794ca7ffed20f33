import { assertEquals } from "@std/assert";
import { createJsonLog } from "../../src/observe/log.ts";

Deno.test("the log is one JSON object a line, from its level up, with braces left as they are", () => {
  const lines: string[] = [];
  const log = createJsonLog("info", (line) => lines.push(line));
  log.debug("not shown");
  log.info("a {brace} and {{two}}", { chain: "ETH1", count: 2 });
  log.warn("careful\nnext line");
  log.error("broken");
  assertEquals(lines.every((line) => line.endsWith("\n") && line.trim().split("\n").length === 1), true);
  const entries = lines.map((line) => JSON.parse(line));
  assertEquals(entries.map(({ level, message }) => [level, message]), [
    ["INFO", "a {brace} and {{two}}"],
    ["WARN", "careful\nnext line"],
    ["ERROR", "broken"],
  ]);
  assertEquals([entries[0].chain, entries[0].count], ["ETH1", 2]);
});
