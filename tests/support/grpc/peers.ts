import { TextLineStream } from "./text_lines.ts";
import { hasDebianPackage } from "../prometheus.ts";

/** Debian's own, for which the package with gRPC's C core is. */
const PYTHON = "/usr/bin/python3";
const FOLDER = new URL("./", import.meta.url).pathname;

/** Whether Python has gRPC. Says aloud when not. */
export async function hasPythonGrpc(): Promise<boolean> {
  const isThere = async () => (await run(PYTHON, ["-c", "import grpc"])).success;
  if (await isThere()) return true;
  await run("apt-get", ["install", "-y", "--no-install-recommends", "python3-grpcio"]);
  if (await isThere()) return true;
  // deno-lint-ignore no-console -- who runs the tests is to know what they did not test
  console.log("skipped: gRPC of Python, because python3-grpcio is not installed and apt-get can't get it");
  return false;
}

async function run(program: string, args: readonly string[]): Promise<{ success: boolean; stdout: string }> {
  try {
    const command = new Deno.Command(program, { args: [...args], stdin: "null", stdout: "piped", stderr: "null" });
    const { success, stdout } = await command.output();
    return { success, stdout: new TextDecoder().decode(stdout) };
  } catch {
    return { success: false, stdout: "" };
  }
}

/** A server that runs as a process of its own. */
export interface Peer extends AsyncDisposable {
  readonly port: number;
  /** Waits for a line of its output. */
  saw(line: string): Promise<void>;
}

/** Starts the server in Python; with files for mutual TLS where they are given. */
export async function startPythonServer(tlsFiles: readonly string[] = []): Promise<Peer> {
  const child = new Deno.Command(PYTHON, {
    args: [`${FOLDER}server.py`, ...tlsFiles],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const lines = new TextLineStream(child.stdout);
  const port = Number((await lines.matching(/^port (\d+)$/))[1]);
  return {
    port,
    async saw(line) {
      await lines.matching(new RegExp(`^${line}$`));
    },
    async [Symbol.asyncDispose]() {
      await child.stdin.close();
      await child.status;
      await lines.ended;
    },
  };
}

/** What the client in Python makes of each call of its table, by the call's name. */
export async function runPythonClient(port: number): Promise<Map<string, unknown>> {
  const { success, stdout } = await run(PYTHON, [`${FOLDER}client.py`, `127.0.0.1:${port}`]);
  const results = stdout.trim().split("\n").filter(Boolean).map((line): [string, unknown] => JSON.parse(line));
  if (!success) throw new Error(`the client failed after ${results.at(-1)?.[0] ?? "nothing"}`);
  return new Map(results);
}

/** Starts an etcd; undefined, and said aloud, where it can't be had. */
export async function startEtcd(): Promise<Peer | undefined> {
  if (!await hasDebianPackage("etcd-server", ["etcd"])) return undefined;
  const [port, peerPort] = [freePort(), freePort()];
  const [url, peerUrl] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`];
  const dataDir = await Deno.makeTempDir();
  const args = ["--data-dir", dataDir, "--listen-client-urls", url, "--advertise-client-urls", url];
  args.push("--listen-peer-urls", peerUrl, "--initial-advertise-peer-urls", peerUrl);
  args.push("--initial-cluster", `default=${peerUrl}`);
  const child = new Deno.Command("etcd", { args, stdin: "null", stdout: "null", stderr: "piped" }).spawn();
  const lines = new TextLineStream(child.stderr);
  await lines.matching(/ready to serve client requests/);
  return {
    port,
    saw: () => Promise.reject(new Error("etcd's log is not looked at")),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
      await lines.ended;
      await Deno.remove(dataDir, { recursive: true });
    },
  };
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}
