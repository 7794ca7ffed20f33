import { hasDebianPackage, until } from "./prometheus.ts";

/** A Redis that a test may stop and start. */
export interface RedisProcess extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}

/** Starts Debian's redis-server, in memory only; undefined, and said aloud, where it can't be had. */
export async function startRedis(port = freePort()): Promise<RedisProcess | undefined> {
  if (!await hasDebianPackage("redis-server", ["redis-server"])) return undefined;
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--maxmemory", "64mb"];
  const child = new Deno.Command("redis-server", { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
  await until(async () => {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  });
  return {
    url: `redis://127.0.0.1:${port}`,
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
    },
  };
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}
