/** A program of the system that a test starts, with its files in a folder of its own. */
export interface Daemon extends AsyncDisposable {
  readonly port: number;
}

/** Whether a program is there; says aloud what is skipped when it is not. */
export async function hasProgram(name: string, what: string): Promise<boolean> {
  try {
    await new Deno.Command(name, { args: ["-v"], stdout: "null", stderr: "null" }).output();
    return true;
  } catch {
    // deno-lint-ignore no-console -- what is skipped is said aloud
    console.log(`skipped: ${what}, because there is no ${name}; install it with apt-get install ${name}`);
    return false;
  }
}

/** Starts a program with a configuration file and waits until its port takes connections. */
export async function startDaemon(
  program: string,
  config: (port: number, folder: string) => string,
  args: (file: string, folder: string) => readonly string[],
): Promise<Daemon> {
  const folder = await Deno.makeTempDir();
  const port = freePort();
  const file = `${folder}/config`;
  await Deno.writeTextFile(file, config(port, folder));
  const child = new Deno.Command(program, {
    args: [...args(file, folder)],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const errors = new Response(child.stderr).text();
  const stop = async () => {
    try {
      child.kill("SIGTERM");
    } catch {
      // It has ended already.
    }
    await child.status;
    await errors;
    await Deno.remove(folder, { recursive: true });
  };
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return { port, [Symbol.asyncDispose]: stop };
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }
  await stop();
  throw new Error(`${program} did not start: ${await errors}`);
}

/** A port that is free at this moment. */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}
