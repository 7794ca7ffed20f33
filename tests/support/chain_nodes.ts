import { hasDebianPackage } from "./prometheus.ts";

/** A node of a chain that is up. */
export interface ChainNode extends AsyncDisposable {
  readonly url: string;
}

/** Starts a Litecoin node on a chain of its own; undefined, and said aloud, where it can't be had. */
export async function startLitecoind(): Promise<ChainNode & { readonly authorization: string } | undefined> {
  if (!await hasDebianPackage("litecoind", ["litecoind"])) return undefined;
  const [port, folder] = [freePort(), await Deno.makeTempDir()];
  const args = ["-regtest", `-datadir=${folder}`, "-listen=0", "-rpcbind=127.0.0.1", "-rpcallowip=127.0.0.1"];
  args.push(`-rpcport=${port}`, "-rpcuser=u", "-rpcpassword=p", "-txindex=1", "-fallbackfee=0.0002", "-server=1");
  const authorization = `Basic ${btoa("u:p")}`;
  const node = run("litecoind", args, folder, port);
  const body = '{"method":"getblockcount"}';
  await untilAnswering(node, { method: "POST", headers: { authorization }, body });
  return { ...node, authorization };
}

const COMETBFT = "0.38.17";

/** Starts a CometBFT node with its key-value application; undefined, and said aloud, where it can't be built. */
export async function startCometbft(): Promise<ChainNode | undefined> {
  const binary = await buildCometbft();
  if (binary === undefined) return undefined;
  const folder = await Deno.makeTempDir();
  await new Deno.Command(binary, { args: ["init", "--home", folder], stdout: "null", stderr: "null" }).output();
  const [port, peerPort] = [freePort(), freePort()];
  const args = ["node", "--home", folder, "--proxy_app=kvstore", "--rpc.laddr", `tcp://127.0.0.1:${port}`];
  const node = run(binary, [...args, "--p2p.laddr", `tcp://127.0.0.1:${peerPort}`], folder, port);
  await untilAnswering(node, { method: "GET" }, `${node.url}/block?height=1`);
  return node;
}

/** Path of the executable, built with Go on first use and kept in the user's cache folder. */
async function buildCometbft(): Promise<string | undefined> {
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "."}/.cache`;
  const folder = `${cache}/relaymeter/cometbft-${COMETBFT}`;
  const binary = `${folder}/cometbft`;
  try {
    if ((await Deno.stat(binary)).isFile) return binary;
  } catch {
    // Not there yet.
  }
  try {
    const { success } = await new Deno.Command("go", {
      args: ["install", `github.com/cometbft/cometbft/cmd/cometbft@v${COMETBFT}`],
      env: { GOBIN: folder, GOFLAGS: "-p=1" },
      stdout: "null",
      stderr: "null",
    }).output();
    if (success) return binary;
  } catch {
    // No Go.
  }
  // deno-lint-ignore no-console -- who runs the tests is to know what they did not test
  console.log("skipped: CometBFT, because it can't be built with Go here");
  return undefined;
}

function run(program: string, args: readonly string[], folder: string, port: number): ChainNode {
  const child = new Deno.Command(program, { args: [...args], stdin: "null", stdout: "null", stderr: "null" }).spawn();
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended already.
      }
      await child.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

async function untilAnswering(node: ChainNode, init: RequestInit, url = node.url): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    try {
      const response = await fetch(url, init);
      await response.body?.cancel();
      if (response.ok) return;
    } catch {
      // Not up yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await node[Symbol.asyncDispose]();
  throw new Error("the node did not answer within 20 s of its start");
}
