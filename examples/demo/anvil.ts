/** A real EVM node for the demo and the tests: anvil, from npm, kept in the user's cache folder. */

const VERSION = "1.7.1";

/** A node that is up. */
export interface Anvil extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** Sends a signal to the node; SIGKILL ends it. */
  kill(signal: Deno.Signal): void;
}

/** Starts a node on a free port and waits until it answers. Throws when the node can't be had. */
export async function startAnvil(args: readonly string[] = []): Promise<Anvil> {
  const binary = await installAnvil();
  const port = freePort();
  const child = new Deno.Command(binary, {
    args: ["--host", "127.0.0.1", "--port", String(port), "--silent", ...args],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const url = `http://127.0.0.1:${port}`;
  const stop = async () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await child.status;
  };
  try {
    await untilAnswering(url);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, pid: child.pid, kill: (signal) => child.kill(signal), [Symbol.asyncDispose]: stop };
}

/** Path of the executable, fetched from npm on first use. */
async function installAnvil(): Promise<string> {
  const architecture = Deno.build.arch === "aarch64" ? "arm64" : "amd64";
  const system = Deno.build.os === "windows" ? "win32" : Deno.build.os;
  const name = `@foundry-rs/anvil-${system}-${architecture}`;
  const folder = `${cacheFolder()}/relaymeter/anvil-${VERSION}`;
  const binary = `${folder}/node_modules/${name}/bin/anvil${system === "win32" ? ".exe" : ""}`;
  if (await isFile(binary)) return binary;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(
    `${folder}/package.json`,
    JSON.stringify({ private: true, dependencies: { [name]: VERSION } }),
  );
  const install = await new Deno.Command(Deno.execPath(), {
    args: ["install", "--node-modules-dir=auto", "--quiet"],
    cwd: folder,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (!install.success || !(await isFile(binary))) {
    throw new Error(`anvil ${VERSION} could not be installed from npm (${name}); is the registry in reach?`);
  }
  await Deno.chmod(binary, 0o755);
  return binary;
}

function cacheFolder(): string {
  return Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? Deno.env.get("LOCALAPPDATA") ?? "."}/.cache`;
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

async function untilAnswering(url: string): Promise<void> {
  const body = '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}';
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
      await response.body?.cancel();
      if (response.ok) return;
    } catch {
      // Not up yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("the node did not answer within 5 s of its start");
}
