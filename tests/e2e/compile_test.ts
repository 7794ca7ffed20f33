/** `deno task compile`: everything short of running the result, which takes a runtime that not every machine can have. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";

const ROOT = new URL("../../", import.meta.url).pathname;

async function compile(
  args: readonly string[],
  env: Record<string, string>,
): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "compile", ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
  }).output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

Deno.test("the whole program goes into the executable, with its permissions, and its size is told", async () => {
  const folder = await Deno.makeTempDir();
  try {
    // Not the runtime that it takes, but as good to put a program behind.
    const runtime = Deno.execPath();
    const { code, out, err } = await compile(["--output", `${folder}/relaymeter`], { DENORT_BIN: runtime });
    assertEquals(code, 0, err);
    assert(/relaymeter: \d+\.\d MiB; may: --allow-net --allow-env .*--allow-sys=hostname$/m.test(out), out);
    const bytes = await Deno.readFile(`${folder}/relaymeter`);
    const { size } = await Deno.stat(runtime);
    const added = bytes.length - size;
    assert(added > 1_000_000 && added < 8_000_000, `${added} bytes were added`);
    const payload = new TextDecoder("latin1").decode(bytes.subarray(size));
    // Nothing that prints megabytes when it fails.
    for (const part of ["Usage: relaymeter COMMAND", "subscription_delivery"]) {
      assert(payload.includes(part), `${part} is not in it`);
    }
    const permissions: Record<string, unknown> = JSON.parse(/"permissions":(\{[^}]*\})/.exec(payload)?.[1] ?? "{}");
    const given = ["net", "env", "read", "write", "sys", "run", "ffi"].map((name) => permissions[`allow_${name}`]);
    assertEquals(permissions["prompt"], false);
    assertEquals(given, [[], [], [], [], ["hostname"], null, null], "an empty list is for all of a kind");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("without the runtime it says what to do", async () => {
  const { code, out } = await compile(["--output", "/dev/null/relaymeter"], { DENORT_BIN: "/nowhere/denort" });
  assertEquals(code, 1);
  assertStringIncludes(out, "DENORT_BIN names a copy");
});

Deno.test("another platform is one of a list", async () => {
  const { code, out } = await compile(["--target", "pdp11"], {});
  assertEquals(code, 2);
  assertStringIncludes(out, "aarch64-unknown-linux-gnu");
});

Deno.test("where the runtime is, the executable runs", async () => {
  if (Deno.env.get("DENORT_BIN") === undefined) {
    // deno-lint-ignore no-console -- what is skipped is said aloud
    return console.log("skipped: running the executable, because DENORT_BIN names no runtime");
  }
  const folder = await Deno.makeTempDir();
  try {
    const { code, err } = await compile(["--output", `${folder}/relaymeter`], {});
    assertEquals(code, 0, err);
    const { stdout } = await new Deno.Command(`${folder}/relaymeter`, { args: ["spec", "list"] }).output();
    assertStringIncludes(new TextDecoder().decode(stdout), "ETH1");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
