import { type Browser, chromium } from "playwright-core";

const EXECUTABLE = "/usr/bin/chromium";

/** A browser, headless; undefined, and a line that says why, where none can be had. */
export async function startBrowser(): Promise<Browser | undefined> {
  try {
    if (!await isThere()) await install();
    return await chromium.launch({
      executablePath: EXECUTABLE,
      args: [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    });
  } catch (error) {
    const why = error instanceof Error ? error.message.split("\n")[0] : "unknown";
    Deno.stderr.writeSync(new TextEncoder().encode(`skipped: chromium can't be had, because ${why}\n`));
    return undefined;
  }
}

async function isThere(): Promise<boolean> {
  return await Deno.stat(EXECUTABLE).then(() => true, () => false);
}

async function install(): Promise<void> {
  for (const args of [["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]]) {
    const { success } = await new Deno.Command("apt-get", { args, stdin: "null", stdout: "null", stderr: "null" })
      .output();
    if (!success) throw new Error(`apt-get ${args[0]} failed`);
  }
}
