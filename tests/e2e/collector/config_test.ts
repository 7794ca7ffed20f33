import { assertEquals } from "@std/assert";
import { EXAMPLES, findOtelCollector, run, say } from "../../support/collector_build.ts";
import { configArgs, type Destination } from "../../support/collector_otel.ts";

/** The exporters that a destination needs. */
const NEEDS: Readonly<Record<Destination, string>> = {
  files: "file",
  kafka: "kafka",
  s3: "awss3",
  clickhouse: "clickhouse",
};

Deno.test("every example configuration is one that the collector takes", async () => {
  const collector = await findOtelCollector();
  if (collector === undefined) return;
  const there = (await Array.fromAsync(Deno.readDir(EXAMPLES))).map(({ name }) => name);
  const destinations = there.flatMap((name) => /^to_(\w+)\.yaml$/.exec(name)?.[1] ?? []);
  assertEquals(destinations.sort(), Object.keys(NEEDS).sort());
  for (const destination of Object.keys(NEEDS) as Destination[]) {
    if (!collector.exporters.has(NEEDS[destination])) {
      say(`skipped: to_${destination}.yaml, because the collector was built without ${NEEDS[destination]}`);
      continue;
    }
    const { success, err } = await run(collector.binary, ["validate", ...configArgs(destination)]);
    assertEquals([success, err], [true, ""], destination);
  }
  const bad = await run(collector.binary, [
    "validate",
    ...configArgs("files"),
    "--config",
    "yaml:receivers::otlp::x: 1",
  ]);
  assertEquals(bad.success, false, "a mistake is one");
});
