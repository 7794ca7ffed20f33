import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { makeCertificates } from "../support/certificates.ts";
import { configOnDisk, ethereum } from "../support/config_on_disk.ts";
import { freePort } from "../support/free_port.ts";
import { answerWith, GrpcClient, message, startGrpcNode, statusOf } from "../support/grpc_wire.ts";
import { startHeldNode } from "../support/held_node.ts";
import { startReceiver } from "../support/receiver.ts";
import { type LogLine, type RelayProcess, runCli, runCliWith, startRelay } from "../support/relay_process.ts";
import { connectSocket } from "../support/socket_client.ts";

/** One call on a connection of its own, so that the kernel chooses whose it is. */
async function ask(url: string, through?: Deno.HttpClient): Promise<unknown> {
  using own = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const client = through ?? own;
  const response = await fetch(url, {
    client,
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"jsonrpc":"2.0","id":7,"method":"eth_chainId"}',
  });
  return (await response.json()).result;
}

async function metricsUrl(relay: RelayProcess): Promise<string> {
  const line = await relay.logged((line) =>
    line["message"] === "metrics are listening" && line["process"] === undefined
  );
  return `http://${line["address"]}`;
}

function samples(page: string, name: string): readonly string[] {
  return page.split("\n").filter((line) => line.startsWith(`lava_rpcsmartrouter_${name}{`));
}

/** Waits until the metrics say what they should. */
async function until(url: string, fits: (page: string) => boolean): Promise<string> {
  for (;;) {
    const page = await (await fetch(`${url}/metrics`)).text();
    if (fits(page)) return page;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const upCount = (page: string) => samples(page, "process_up").filter((line) => line.endsWith(" 1")).length;

Deno.test("three processes share a port: one ledger and instance each, metrics by process, one health, one end", async () => {
  await using node = startHeldNode("x");
  await using receiver = startReceiver();
  const usage = ["--usage-otel-enabled", `--usage-otel-endpoint=${receiver.url}`];
  const listen = `127.0.0.1:${freePort()}`;
  await using config = await configOnDisk(ethereum({ a: node.url }, { address: listen }));
  const flags = ["--processes=3", "--metrics-listen-address=127.0.0.1:0"];
  await using relay = await startRelay([config.path, ...flags, ...usage], { listeners: 3 });
  const [url = ""] = relay.urls;
  assertEquals(new Set(relay.urls).size, 1);
  const metrics = await metricsUrl(relay);
  await until(metrics, (page) => upCount(page) === 3);
  const calls = 60;
  for (let i = 0; i < calls; i++) assertEquals(await ask(url), "x");
  const page = await until(metrics, () => true);
  const counted = samples(page, "requests_total").map((line) => Number(line.split(" ").at(-1)));
  assertEquals(counted.reduce((sum, count) => sum + count, 0), calls);
  assert(counted.length === 3 && Math.min(...counted) > 0, `every process has some: ${counted}`);
  assertEquals(
    page.split("\n").filter((line) => line.startsWith("# TYPE lava_rpcsmartrouter_requests_total")).length,
    1,
  );
  for (const path of ["/livez", "/readyz", "/metrics/overall-health"]) {
    const response = await fetch(`${metrics}${path}`);
    await response.body?.cancel();
    assertEquals([path, response.status], [path, 200]);
  }
  await using socket = await connectSocket(url);
  assertEquals((await socket.call("eth_chainId")).result, "x");

  relay.kill("SIGTERM");
  assertEquals(await relay.exited, 0);
  assertEquals((await socket.closed).code, 1001);
  const ledgers = relay.log.filter(({ message }) => message === "stopped; final ledger");
  assertEquals(ledgers.map((line) => line["process"]).sort(), [1, 2, 3]);
  assertEquals(ledgers.reduce((sum, line) => sum + Number(line["relay_usage_exported"]), 0), calls + 1);
  assertEquals(receiver.records.length, calls + 1);
  assertEquals(new Set(receiver.records.map(({ resource }) => resource["service.instance.id"])).size, 3);
  assertEquals(relay.log.at(-1)?.["message"], "stopped; all processes have ended");
});

/** The process ids of a relay's children. */
async function childrenOf({ pid }: RelayProcess): Promise<number[]> {
  const text = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`);
  return text.trim().split(/\s+/).filter((part) => part !== "").map(Number);
}

Deno.test("a process that is killed comes back while the others serve", async () => {
  await using node = startHeldNode("x");
  await using config = await configOnDisk(ethereum({ a: node.url }, { address: `127.0.0.1:${freePort()}` }));
  const flags = ["--processes=2", "--metrics-listen-address=127.0.0.1:0"];
  await using relay = await startRelay([config.path, ...flags], { listeners: 2 });
  const metrics = await metricsUrl(relay);
  await until(metrics, (page) => upCount(page) === 2);
  const [victim] = await childrenOf(relay);
  Deno.kill(victim!, "SIGKILL");
  const down = await relay.logged(({ message }) => message === "a process has ended and is started again");
  assertEquals([down["exit_code"], down["in_ms"]], [137, 250]);
  for (let i = 0; i < 20; i++) assertEquals(await ask(relay.urls[0]!), "x");
  const page = await until(metrics, (page) => upCount(page) === 2);
  assertEquals(samples(page, "process_restarts_total").map((line) => line.split(" ").at(-1)).sort(), ["0", "1"]);
  relay.kill("SIGTERM");
  assertEquals(await relay.exited, 0);
});

Deno.test("all processes reload together, or none does", async () => {
  await using old = startHeldNode("old");
  await using other = startHeldNode("new");
  const address = `127.0.0.1:${freePort()}`;
  await using config = await configOnDisk(ethereum({ a: old.url }, { address }));
  await using relay = await startRelay([config.path, "--processes=2", "--admin-listen-address=0"], { listeners: 2 });
  const admin = `http://${(await relay.logged(({ message }) => message === "administration is listening"))["address"]}`;
  const reload = async () => {
    const response = await fetch(`${admin}/admin/reload`, { method: "POST" });
    return [response.status, await response.json()] as const;
  };
  await config.write(ethereum({ b: other.url }, { address }));
  const [status, body] = await reload();
  assertEquals([status, body.status], [200, "applied"]);
  for (let i = 0; i < 20; i++) assertEquals(await ask(relay.urls[0]!), "new");
  await config.write("endpoints: 1");
  assertEquals((await reload())[0], 422);
  relay.kill("SIGHUP");
  const line = await relay.logged((line) => line["cause"] === "SIGHUP");
  assertStringIncludes(String(line["mistakes"]), config.path);
  assertEquals(await ask(relay.urls[0]!), "new");
  relay.kill("SIGTERM");
  assertEquals(await relay.exited, 0);
});

Deno.test("a signal to the whole group is one demand to stop; a second to the parent ends all at once", async () => {
  await using node = startHeldNode("x");
  await using config = await configOnDisk(ethereum({ a: node.url }, { address: `127.0.0.1:${freePort()}` }));
  const start = () => startRelay([config.path, "--processes=2", "--shutdown-grace=1h"], { listeners: 2 });
  {
    await using relay = await start();
    node.hold();
    const held = ask(relay.urls[0]!);
    await node.untilAsked(1);
    for (const pid of await childrenOf(relay)) Deno.kill(pid, "SIGTERM");
    relay.kill("SIGTERM");
    await relay.logged(({ message, processes }) => message === "stopping" && processes === 2);
    node.release();
    assertEquals([await held, await relay.exited], ["x", 0]);
  }
  await using relay = await start();
  node.hold();
  const held = ask(relay.urls[0]!).then(() => "answered", () => "broken");
  await node.untilAsked(2);
  relay.kill("SIGTERM");
  await relay.logged(({ message, processes }) => message === "stopping" && processes === 2);
  relay.kill("SIGTERM");
  assertEquals([await held, await relay.exited], ["broken", 1]);
  const lost = relay.log.filter((line) => "requests_lost" in line).map((line) => Number(line["requests_lost"]));
  assertEquals(lost.reduce((sum, count) => sum + count, 0), 1);
});

Deno.test("processes whose parent is killed end in good order", async () => {
  await using node = startHeldNode("x");
  await using config = await configOnDisk(ethereum({ a: node.url }, { address: `127.0.0.1:${freePort()}` }));
  const relay = await startRelay([config.path, "--processes=2"], { listeners: 2 });
  node.hold();
  const held = ask(relay.urls[0]!);
  await node.untilAsked(1);
  relay.kill("SIGKILL");
  await relay.logged(({ message }) => message === "no new requests are taken");
  node.release();
  assertEquals(await held, "x");
  // Their log is open until the last one has ended.
  await relay.exited;
  const final = (line: LogLine) => line["message"] === "stopped; final ledger";
  assertEquals(relay.log.filter(final).map((line) => line["process"]).sort(), [1, 2]);
});

Deno.test("what several processes can't do together is refused at the start, and so is a bad file, with 2", async () => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  try {
    const address = `127.0.0.1:${taken.addr.port}`;
    const more = { address, projects: [{ id: "*", "units-per-day": 1 }] };
    await using config = await configOnDisk(ethereum({ a: "http://127.0.0.1:1" }, more));
    const flags = ["--processes=2", "--usage-store=/tmp/none.db", "--ui=127.0.0.1:0", "--http-server=node"];
    const { code, err } = await runCli("rpcsmartrouter", config.path, ...flags);
    assertEquals(code, 2);
    for (const words of ["--usage-store", "--ui", "projects", "--http-server", `${address} is in use`]) {
      assertStringIncludes(err, words);
    }
    const anyPort = await runCli(
      "rpcsmartrouter",
      "127.0.0.1:0",
      "ETH1",
      "jsonrpc",
      "--upstream=http://a",
      "--processes=2",
    );
    assertEquals(anyPort.code, 2);
    assertStringIncludes(anyPort.err, "another port for each process");
    await config.write("endpoints: [");
    assertEquals((await runCli("rpcsmartrouter", config.path, "--processes=2")).code, 2);
  } finally {
    taken.close();
  }
});

Deno.test("gRPC, gRPC-Web, TLS and WebSockets are shared too", async () => {
  const certificates = await makeCertificates();
  if (certificates === undefined) return;
  await using node = startHeldNode("x");
  await using grpcNode = await startGrpcNode((side) => answerWith(side, "y"));
  await using config = await configOnDisk({});
  const tls = { "tls-enabled": true, "tls-cert-file": `${config.folder}/cert`, "tls-key-file": `${config.folder}/key` };
  await Deno.writeTextFile(tls["tls-cert-file"], certificates.server.certPem);
  await Deno.writeTextFile(tls["tls-key-file"], certificates.server.keyPem);
  const [https, grpc, web] = [freePort(), freePort(), freePort()];
  const [eth, cosmos] = [["ETH1", "jsonrpc"], ["COSMOSHUB", "grpc"]].map(([chain, api]) => ({
    "chain-id": chain,
    "api-interface": api,
  }));
  const address = (port: number) => `127.0.0.1:${port}`;
  await config.write({
    "endpoints": [
      { ...eth, ...tls, "network-address": address(https) },
      { ...cosmos, "network-address": address(grpc), "grpc-web-address": address(web) },
    ],
    "static-providers": [
      { ...eth, "name": "a", "node-urls": [{ url: node.url, "skip-verifications": ["*"] }] },
      {
        ...cosmos,
        "name": "b",
        "node-urls": [{ url: `grpc://127.0.0.1:${grpcNode.port}`, "grpc-config": { "allow-insecure": true } }],
      },
    ],
  });
  const flags = ["--processes=2", "--metrics-listen-address=127.0.0.1:0"];
  await using relay = await startRelay([config.path, ...flags], { listeners: 4 });
  const metrics = await metricsUrl(relay);
  await until(metrics, (page) => upCount(page) === 2);
  for (let i = 0; i < 24; i++) {
    using client = Deno.createHttpClient({ caCerts: [certificates.caPem], poolMaxIdlePerHost: 0 });
    assertEquals(await ask(`https://${address(https)}`, client), "x");
    await using caller = await GrpcClient.connect(grpc);
    assertEquals(statusOf(await caller.call("/cosmos.bank.v1beta1.Query/Params")), "0");
    const page = await fetch(`http://${address(web)}/cosmos.bank.v1beta1.Query/Params`, {
      client,
      method: "POST",
      headers: { "content-type": "application/grpc-web+proto" },
      body: message("ping") as Uint8Array<ArrayBuffer>,
    });
    assertStringIncludes(await page.text(), "grpc-status:0");
    const socket = new WebSocket(`wss://${address(https)}`, { client });
    const answer = Promise.withResolvers<string>();
    const closed = new Promise((resolve) => socket.onclose = resolve);
    socket.onerror = () => answer.reject(new Error("the WebSocket failed"));
    socket.onmessage = ({ data }) => answer.resolve(data);
    socket.onopen = () => socket.send('{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}');
    assertStringIncludes(await answer.promise, '"x"');
    socket.close();
    await closed;
  }
  const page = await until(metrics, () => true);
  for (const spec of ["ETH1", "COSMOSHUB"]) {
    const ofSpec = samples(page, "requests_total").filter((line) => line.includes(`spec="${spec}"`));
    const counts = ofSpec.map((line) => Number(line.split(" ").at(-1)));
    assertEquals([counts.length, counts.reduce((sum, count) => sum + count, 0)], [2, 48], `${spec}: ${counts}`);
  }
  relay.kill("SIGTERM");
  assertEquals(await relay.exited, 0);
});

Deno.test("relays without a parent share a port when both say so, and not otherwise", async () => {
  await using node = startHeldNode("x");
  const args = [`127.0.0.1:${freePort()}`, "ETH1", "jsonrpc", "--upstream", node.url];
  await using first = await startRelay([...args, "--reuse-port", "--http-server=own"]);
  const alone = await runCli("rpcsmartrouter", ...args);
  assertEquals(alone.code, 1);
  assertStringIncludes(alone.err, "is in use");
  await using second = await startRelay([...args, "--reuse-port"]);
  first.kill("SIGTERM");
  assertEquals(await first.exited, 0);
  assertEquals(await ask(second.urls[0]!), "x");
});

Deno.test("processes have the permissions of their parent and no others, and without --allow-run there are none", async () => {
  await using node = startHeldNode("x");
  const address = `127.0.0.1:${freePort()}`;
  await using config = await configOnDisk(ethereum({ a: node.url }, { address }));
  // What the parent may read and a relay does not need is not handed on.
  const read = `--allow-read=.,${config.path},/proc/version`;
  const few = ["--no-prompt", "--allow-net", "--allow-env", "--allow-sys=hostname", read];
  const args = [config.path, "--processes=2"];
  const refused = await runCliWith(["rpcsmartrouter", ...args], {}, undefined, few);
  assertEquals(refused.code, 2);
  assertStringIncludes(refused.err, "--allow-run");

  await using relay = await startRelay([...args, "--admin-listen-address=0"], {
    listeners: 2,
    runFlags: [...few, `--allow-run=${Deno.execPath()}`],
  });
  assertEquals(await ask(relay.urls[0]!), "x");
  for (const pid of await childrenOf(relay)) {
    const line = (await Deno.readTextFile(`/proc/${pid}/cmdline`)).split("\0");
    const permissions = line.filter((part) => part.startsWith("--allow-") || part === "-A");
    assertEquals(permissions, ["--allow-net", "--allow-env", `--allow-read=.,${config.path}`, "--allow-sys=hostname"]);
  }
  // They read the file again.
  const admin = `http://${(await relay.logged(({ message }) => message === "administration is listening"))["address"]}`;
  const response = await fetch(`${admin}/admin/reload`, { method: "POST" });
  assertEquals((await response.json()).status, "applied");
  relay.kill("SIGTERM");
  assertEquals(await relay.exited, 0);
});
