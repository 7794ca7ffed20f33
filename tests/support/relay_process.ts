/** The relay as an operator runs it: a process of its own, from the command line. */

/** A line of the relay's log. */
export type LogLine = Readonly<Record<string, string | number | boolean>>;

/** A relay process that listens. */
export interface RelayProcess extends AsyncDisposable {
  /** URLs of its listeners, in the order of the configuration. */
  readonly urls: readonly string[];
  readonly pid: number;
  /** Log lines so far. */
  readonly log: readonly LogLine[];
  /** The first log line, past or to come, that fits; rejects when the relay ends without one. */
  logged(fits: (line: LogLine) => boolean): Promise<LogLine>;
  /** Sends a signal. */
  kill(signal: Deno.Signal): void;
  /** The exit code, once it has ended. */
  readonly exited: Promise<number>;
}

const CLI = new URL("../../cli.ts", import.meta.url);
const CONFIG = new URL("../../deno.json", import.meta.url);

/** What a program that has ended said. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the program to its end. */
export function runCli(...args: readonly string[]): Promise<Ended> {
  return runCliWith(args, {});
}

/** Runs the program to its end, with these environment variables and in this directory. */
export async function runCliWith(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd?: string,
  runFlags?: readonly string[],
): Promise<Ended> {
  const { code, stdout, stderr } = await command(args, env, cwd, runFlags).output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

/** The relay's own questions and samples, which only those tests hear of that ask for them. */
const QUIET = ["--relays-health-enable=false", "--optimizer-qos-sampling-interval=1h"];

/** The HTTP server of relays whose test does not care, so that one variable has all of them use another. */
function httpServer(): readonly string[] {
  const server = Deno.env.get("RELAYMETER_HTTP_SERVER");
  return server === undefined ? [] : [`--http-server=${server}`];
}

/** How a relay is started. */
export interface RelayStart {
  /** Listeners that are waited for; default 1. */
  readonly listeners?: number;
  readonly env?: Record<string, string>;
  /** Where it runs; default here. */
  readonly cwd?: string;
  /** Flags of `deno run`; default all permissions. */
  readonly runFlags?: readonly string[];
  /** Told its process id before it listens. */
  readonly onSpawn?: (pid: number) => void;
  /** An executable that is the program, instead of `deno run`. */
  readonly program?: string;
}

/** Starts a relay and waits until its `listeners` listen. */
export async function startRelay(
  args: readonly string[],
  { listeners = 1, env = {}, cwd, runFlags, onSpawn, program }: RelayStart = {},
): Promise<RelayProcess> {
  const added = [...QUIET, ...httpServer()].filter((flag) => !args.some((arg) => arg.startsWith(flag.split("=")[0]!)));
  const child = command(["rpcsmartrouter", ...args, ...added], env, cwd, runFlags, program).spawn();
  onSpawn?.(child.pid);
  const log: LogLine[] = [];
  const urls: string[] = [];
  const { promise: up, resolve, reject } = Promise.withResolvers<void>();
  const waiting = new Set<{ fits(line: LogLine): boolean; resolve(line: LogLine): void; reject(error: Error): void }>();
  const reading = readLines(child.stderr, (line) => {
    const entry = parseLine(line);
    log.push(entry);
    for (const each of waiting) {
      if (!each.fits(entry)) continue;
      waiting.delete(each);
      each.resolve(entry);
    }
    if (entry["message"] !== "relay is listening") return;
    urls.push(`http://${entry["address"]}`);
    if (urls.length === listeners) resolve();
  });
  const draining = child.stdout.cancel();
  const exited = child.status.then(async ({ code }) => {
    await Promise.all([reading, draining]);
    const error = new Error(`the relay ended with ${code}: ${JSON.stringify(log)}`);
    reject(error);
    for (const each of waiting) each.reject(error);
    return code;
  });
  await up;
  return {
    urls,
    pid: child.pid,
    log,
    logged: (fits) =>
      new Promise((resolve, reject) => {
        const known = log.find(fits);
        if (known !== undefined) resolve(known);
        else waiting.add({ fits, resolve, reject });
      }),
    kill: (signal) => child.kill(signal),
    exited,
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended already.
      }
      await exited;
    },
  };
}

function command(
  args: readonly string[],
  env: Record<string, string>,
  cwd?: string,
  runFlags: readonly string[] = ["-A"],
  program?: string,
): Deno.Command {
  const before = ["run", ...runFlags, "--config", CONFIG.pathname, CLI.pathname];
  return new Deno.Command(program ?? Deno.execPath(), {
    args: program === undefined ? [...before, ...args] : [...args],
    env,
    ...(cwd !== undefined && { cwd }),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

async function readLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  onLine: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) if (line !== "") onLine(line);
  }
}

function parseLine(line: string): LogLine {
  try {
    return JSON.parse(line);
  } catch {
    return { message: line };
  }
}
