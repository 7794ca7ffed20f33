/**
 * Unary gRPC calls through the relay, with usage events on, beside the same calls through nginx and straight to the node.
 *
 * Needs nginx and h2load (Debian: nginx-light, nghttp2-client).
 * `deno run -A bench/load/grpc/main.ts [--json] [SECONDS] [ROUNDS]`
 */
import { formatSection, type Section } from "../section.ts";

const isJson = Deno.args.includes("--json");
const [seconds = 4, rounds = 3] = Deno.args.filter((arg) => arg !== "--json").map(Number);
const ROOT = new URL("../../../", import.meta.url).pathname;
const folder = await Deno.makeTempDir();
const children: Deno.ChildProcess[] = [];

interface Way {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  readonly rates: number[];
  readonly cpuUs: number[];
}

function spawn(program: string, args: readonly string[]): Deno.ChildProcess {
  const command = new Deno.Command(program, {
    args: [...args],
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  const child = command.spawn();
  children.push(child);
  return child;
}

/** The first output that matches; what follows is read and thrown away. */
async function find(stream: ReadableStream<Uint8Array>, pattern: RegExp): Promise<RegExpExecArray> {
  const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
  (async () => {
    let text = "";
    for await (const chunk of stream) {
      if (text.length < 100_000) text += new TextDecoder().decode(chunk);
      const match = pattern.exec(text);
      if (match !== null) resolve(match);
    }
    reject(new Error(`no ${pattern} in ${text}`));
  })();
  return await promise;
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  return (listener.addr as Deno.NetAddr).port;
}

async function startRelay(
  name: string,
  nodePort: number,
  collectorPort: number,
  flags: readonly string[],
): Promise<Way> {
  const chain = { "chain-id": "COSMOSHUB", "api-interface": "grpc" };
  const nodeUrl = { "url": `grpc://127.0.0.1:${nodePort}`, "grpc-config": { "allow-insecure": true } };
  const path = `${folder}/${name.replaceAll(/\W/g, "")}.yml`;
  await Deno.writeTextFile(
    path,
    JSON.stringify({
      "endpoints": [{ ...chain, "network-address": "127.0.0.1:0" }],
      "static-providers": [{ name: "node", ...chain, "node-urls": [nodeUrl] }],
    }),
  );
  const usage = ["--usage-otel-enabled", "--usage-otel-protocol=http/protobuf"];
  const args = [path, ...usage, `--usage-otel-endpoint=127.0.0.1:${collectorPort}`, ...flags];
  const child = spawn(Deno.execPath(), ["run", "-A", "cli.ts", "rpcsmartrouter", ...args]);
  const port = Number((await find(child.stderr, /"address":"127\.0\.0\.1:(\d+)"/))[1]);
  return { name, port, pid: child.pid, rates: [], cpuUs: [] };
}

async function startNginx(nodePort: number): Promise<Way> {
  const port = freePort();
  const text = `worker_processes 1; daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error;
    events { worker_connections 4096; }
    http { access_log off; client_body_temp_path ${folder}/body; keepalive_requests 100000000;
      http2_max_concurrent_streams 1000;
      upstream node { server 127.0.0.1:${nodePort}; keepalive 64; keepalive_requests 100000000; }
      server { listen 127.0.0.1:${port} http2; location / { grpc_pass grpc://node; } } }`;
  await Deno.writeTextFile(`${folder}/nginx.conf`, text);
  const child = spawn("nginx", ["-c", `${folder}/nginx.conf`]);
  for (;;) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return { name: "nginx grpc_pass", port, pid: child.pid, rates: [], cpuUs: [] };
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** CPU of a process so far, microseconds. */
function cpuOf(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

async function measure({ port, pid, rates, cpuUs }: Way): Promise<void> {
  const headers = ["-H", "content-type: application/grpc", "-H", "te: trailers"];
  const load = [
    "-D",
    String(seconds),
    "--warm-up-time=1",
    "-c",
    "4",
    "-m",
    "25",
    "-d",
    `${folder}/request`,
    ...headers,
  ];
  const before = cpuOf(pid);
  const url = `http://127.0.0.1:${port}/cosmos.bank.v1beta1.Query/Balance`;
  const { stdout } = await new Deno.Command("h2load", { args: [...load, url], stdout: "piped", stderr: "null" })
    .output();
  const text = new TextDecoder().decode(stdout);
  const rate = Number(/, ([\d.]+) req\/s/.exec(text)?.[1]);
  if (!/ 0 failed, 0 errored/.test(text)) throw new Error(text);
  rates.push(rate);
  // The warm-up is a second more of about the same.
  cpuUs.push((cpuOf(pid) - before) / (rate * (seconds + 1)));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

try {
  await Deno.writeFile(`${folder}/request`, Uint8Array.of(0, 0, 0, 0, 32, ...new Uint8Array(32)));
  const node = spawn(Deno.execPath(), ["run", "-A", "bench/load/grpc/node.ts"]);
  const [, nodePort, collectorPort] = (await find(node.stdout, /^(\d+) (\d+)\n/)).map(Number) as [
    number,
    number,
    number,
  ];
  const ways: Way[] = [
    { name: "the node itself", port: nodePort, pid: node.pid, rates: [], cpuUs: [] },
    await startNginx(nodePort),
    await startRelay("relay", nodePort, collectorPort, []),
    await startRelay("relay, --grpc-http2 node", nodePort, collectorPort, ["--grpc-http2=node"]),
  ];
  for (let round = 0; round < rounds; round++) for (const way of ways) await measure(way);
  const nginx = median(ways[1]!.rates);
  const base = median(ways[1]!.cpuUs);
  const section: Section = {
    title: "Unary gRPC",
    about:
      "Calls of 32 bytes, answered with 100, from h2load over 4 connections with 25 calls at once each; the relay with " +
      "usage events exported as Protobuf.",
    heads: ["", "calls/s", "of nginx", "CPU of a call", "of nginx"],
    rows: ways.map(({ name, rates, cpuUs }) => [
      name,
      Math.round(median(rates)).toLocaleString("en"),
      `${Math.round(median(rates) / nginx * 100)} %`,
      `${median(cpuUs).toFixed(1)} us`,
      (median(cpuUs) / base).toFixed(2),
    ]),
  };
  const text = isJson ? JSON.stringify(section) : formatSection(section);
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
} finally {
  for (const child of children) {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
  }
  await Promise.all(children.map((child) => child.status));
  await Deno.remove(folder, { recursive: true });
}
