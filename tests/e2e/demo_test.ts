import { assertEquals, assertStringIncludes } from "@std/assert";
import { startBrowser } from "../support/browser.ts";

Deno.test("the demo: a new user sees the units of each project on the page within ten seconds", async () => {
  await using browser = await startBrowser();
  if (browser === undefined) return;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL("../../examples/demo/main.ts", import.meta.url).pathname],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const said = Promise.withResolvers<string>();
  let output = "";
  const reading = (async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      output += text;
      const url = /See it in a browser: +(\S+)\n/.exec(output)?.[1];
      if (url !== undefined) said.resolve(url);
    }
    said.resolve("");
  })();
  try {
    const url = await said.promise;
    if (url === "") {
      assertStringIncludes(output, "No node: ");
      Deno.stderr.writeSync(new TextEncoder().encode("skipped: the demo, because it can't have its node\n"));
      return;
    }
    const page = await browser.newPage();
    await page.goto(url);
    for (const project of ["acme", "globex", "initech"]) {
      await page.getByRole("rowheader", { name: project }).first().waitFor({ timeout: 10_000 });
    }
    await page.getByText("The equation holds.").waitFor({ timeout: 10_000 });
    child.kill("SIGINT");
  } finally {
    await browser.close();
    const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
    await reading;
    clearTimeout(timer);
  }
  assertEquals((await child.status).code, 0, output);
  assertStringIncludes(output, "(holds)");
});
