/** Programs of other runtimes, as the tests start and end them. */
import { assert } from "@std/assert";

/** A program that serves. */
export interface EdgeProgram extends AsyncDisposable {
  /** What it has printed as its first line. */
  readonly url: string;
  /** Sends a signal. */
  kill(signal: Deno.Signal): void;
  /** The exit code, once it has ended. */
  readonly exited: Promise<number>;
}

/** Bundles a program of the examples for any runtime; comes back with the file, which the caller removes. */
export async function bundle(program: string, platform: "browser" | "deno" = "browser"): Promise<string> {
  // As the examples say: minified for a Worker alone.
  const minified = platform === "browser" ? ["--minify"] : [];
  const output = await Deno.makeTempFile({ suffix: ".mjs" });
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", ...minified, `--platform=${platform}`, "--output", output, program],
    cwd: new URL("../../../", import.meta.url).pathname,
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return output;
}

/** Starts a program and waits for the URL that it prints. It is killed where it takes more than a minute altogether. */
export async function startProgram(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<EdgeProgram> {
  const child = new Deno.Command(command, {
    args: [...args],
    env: { ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const kill = (signal: Deno.Signal) => {
    try {
      child.kill(signal);
    } catch {
      // It has ended already.
    }
  };
  const overdue = setTimeout(() => kill("SIGKILL"), 60_000);
  const errors = new Response(child.stderr).text();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let printed = "";
  while (!printed.includes("\n")) {
    const { value, done } = await lines.read();
    if (done) break;
    printed += value;
  }
  const url = /^http:\S+/.exec(printed)?.[0];
  if (url === undefined) kill("SIGKILL");
  const draining = (async () => {
    while (!(await lines.read()).done);
  })();
  const exited = child.status.then(async ({ code }) => {
    clearTimeout(overdue);
    await Promise.all([errors, draining]);
    return code;
  });
  assert(url !== undefined, `${printed}\n${url === undefined ? await errors : ""}`);
  return {
    url,
    kill,
    exited,
    async [Symbol.asyncDispose]() {
      await child.stdin.close().catch(() => {});
      // What does not end with its input does so now.
      const patience = setTimeout(() => kill("SIGKILL"), 2_000);
      await exited;
      clearTimeout(patience);
    },
  };
}
