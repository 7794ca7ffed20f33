import { assert } from "@std/assert";

/**
 * V8 takes a function that is written where it is assigned to a property for one that lives long. One that is made for a
 * relay keeps all of it until the next full collection: 4 to 6 KB each, and a quarter of the CPU went into that.
 */
Deno.test("nothing of a relay that has ended outlives the quick collections", async () => {
  const program = new URL("../support/kept_memory.ts", import.meta.url).pathname;
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    // With so much room there is no full collection, which would hide what is kept.
    args: ["run", "-A", "--v8-flags=--initial-heap-size=3000,--initial-old-space-size=3000", program],
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  const bytes = Number(new TextDecoder().decode(stdout));
  // Some of it is the platform's.
  assert(bytes < 1_500, `${bytes} bytes of each relay are kept`);
});
