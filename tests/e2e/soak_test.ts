import { assert, assertEquals } from "@std/assert";

Deno.test("memory stays flat over many relays, projects and invented methods", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--v8-flags=--expose-gc", "bench/relay/soak.ts", "240000", "120000"],
    cwd: new URL("../../", import.meta.url).pathname,
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const { events, methods, afterWarmUpMiB, atEndMiB } = JSON.parse(new TextDecoder().decode(stdout));
  assertEquals([events, methods], [240_000, 2]);
  // The first quarter fills what is bounded; what comes after may not add to it.
  assert(atEndMiB < afterWarmUpMiB + 2, `${afterWarmUpMiB} MiB after the warm-up, ${atEndMiB} MiB at the end`);
});
