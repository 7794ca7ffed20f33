/** The program as an operator starts it, whatever the command. */

const CLI = new URL("../../cli.ts", import.meta.url);
const CONFIG = new URL("../../deno.json", import.meta.url);

/** What a program that serves said and ended with. */
export interface Served {
  readonly code: number;
  /** Its log, a line each. */
  readonly log: readonly Readonly<Record<string, string | number | boolean>>[];
}

/** Runs the program until it listens, lets `use` work with its URL, then asks it to end with `signal`. */
export async function serveWith(
  args: readonly string[],
  signal: Deno.Signal,
  use: (url: string) => Promise<void> = () => Promise.resolve(),
): Promise<Served> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--config", CONFIG.pathname, CLI.pathname, ...args],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const log: Served["log"][number][] = [];
  const listening = Promise.withResolvers<string>();
  const reading = (async () => {
    let rest = "";
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        const entry = line.startsWith("{") ? JSON.parse(line) : { message: line };
        log.push(entry);
        if (entry.message === "relay is listening") listening.resolve(`http://${entry.address}`);
      }
    }
    listening.reject(new Error(`it ended without listening: ${JSON.stringify(log)}`));
  })();
  try {
    await use(await listening.promise);
    child.kill(signal);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  } finally {
    await reading;
  }
  const { code } = await child.status;
  return { code, log };
}
