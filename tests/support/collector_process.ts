import type { LogLine } from "./relay_process.ts";

/** An embedded collector as an operator runs it. */
export interface CollectorProcess extends AsyncDisposable {
  /** Where it listens, `host:port`. */
  readonly address: string;
  /** Log lines so far. */
  readonly log: readonly LogLine[];
  /** Sends a signal that does not end it. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void;
  /** Asks it to end with a signal, and comes back with its exit code. */
  end(signal: Deno.Signal): Promise<number>;
}

const CLI = new URL("../../cli.ts", import.meta.url).pathname;

/** Starts a collector and waits until it listens. */
export async function startCollector(
  path: string,
  { listen = "127.0.0.1:0", args = [] }: { readonly listen?: string; readonly args?: readonly string[] } = {},
): Promise<CollectorProcess> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", CLI, "collector", path, "--listen", listen, ...args],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const log: LogLine[] = [];
  const { promise: address, resolve, reject } = Promise.withResolvers<string>();
  const reading = (async () => {
    let rest = "";
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        const entry: LogLine = line.startsWith("{") ? JSON.parse(line) : { message: line };
        log.push(entry);
        if (entry["message"] === "collector is listening") resolve(String(entry["address"]));
      }
    }
    reject(new Error(`it ended: ${JSON.stringify(log)}`));
  })();
  let hasEnded = false;
  const end = async (signal: Deno.Signal) => {
    if (!hasEnded) child.kill(signal);
    hasEnded = true;
    await reading;
    return (await child.status).code;
  };
  return {
    address: await address,
    log,
    signal: (signal) => child.kill(signal),
    end,
    async [Symbol.asyncDispose]() {
      await end("SIGKILL");
    },
  };
}
