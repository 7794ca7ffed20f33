import { freePort } from "../../tests/support/daemon.ts";

/** A program, started for one measurement. */
export interface Server extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly pid: number;
}

/** Starts a program with a configuration file and waits until its port takes connections. */
export async function startServer(
  program: string,
  config: (port: number, folder: string) => string,
  args: (file: string, folder: string, port: number) => readonly string[],
  { env = {}, port = freePort() }: { env?: Record<string, string>; port?: number } = {},
): Promise<Server> {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/config`;
  await Deno.writeTextFile(file, config(port, folder));
  const child = new Deno.Command(program, { args: [...args(file, folder, port)], env, stdin: "null", stdout: "null" })
    .spawn();
  const stop = async () => {
    try {
      child.kill("SIGTERM");
    } catch {
      // It has ended already.
    }
    await child.status;
    await Deno.remove(folder, { recursive: true });
  };
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return { port, url: `http://127.0.0.1:${port}/`, pid: child.pid, [Symbol.asyncDispose]: stop };
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }
  await stop();
  throw new Error(`${program} did not take connections within 3 s of its start`);
}
