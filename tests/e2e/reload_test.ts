import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { makeCertificates } from "../support/certificates.ts";
import { configOnDisk, ethereum } from "../support/config_on_disk.ts";
import { answerWith, GrpcClient, startGrpcNode, statusOf } from "../support/grpc_wire.ts";
import { startHeldNode } from "../support/held_node.ts";
import { startLoad } from "../support/load.ts";
import { startReceiver } from "../support/receiver.ts";
import { type RelayProcess, runCli, startRelay } from "../support/relay_process.ts";
import { connectSocket } from "../support/socket_client.ts";
import { startSocketNode } from "../support/socket_node.ts";

const RELOADED = "the configuration has been reloaded";
const REFUSED = "the configuration is refused, and the old one goes on";

/** Reloads by a signal; comes back with the line of the log that says how it ended. */
async function hangUp(relay: RelayProcess): Promise<RelayProcess["log"][number]> {
  const from = relay.log.length;
  relay.kill("SIGHUP");
  return await relay.logged((line) =>
    relay.log.indexOf(line) >= from && [RELOADED, REFUSED].includes(String(line["message"]))
  );
}

async function addressOf(relay: RelayProcess, who: string): Promise<string> {
  return `http://${(await relay.logged(({ message }) => message === `${who} listening`))["address"]}`;
}

async function ask(
  url: string,
  method = "eth_chainId",
): Promise<{ readonly result: unknown; readonly provider: unknown }> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 7, method }),
  });
  const { result } = await response.json();
  return { result, provider: response.headers.get("lava-provider-address") };
}

function sample(metrics: string, name: string): number {
  const line = metrics.split("\n").find((line) => line.startsWith(`lava_rpcsmartrouter_${name} `));
  return Number(line?.split(" ").at(-1));
}

Deno.test("SIGHUP: new calls go to the new provider, those under way are answered by the old one, all are on the bill", async () => {
  await using old = startHeldNode("old");
  await using other = startHeldNode("new");
  await using receiver = startReceiver();
  await using config = await configOnDisk(ethereum({ old: old.url }));
  const usage = [
    "--usage-otel-enabled",
    `--usage-otel-endpoint=${receiver.url}`,
    "--metrics-listen-address=127.0.0.1:0",
  ];
  await using relay = await startRelay([config.path, ...usage]);
  const [url = ""] = relay.urls;
  old.hold();
  const held = ask(url);
  await old.untilAsked(1);

  await config.write(ethereum({ new: other.url }));
  assertEquals((await hangUp(relay))["needs_restart"], "");
  assertEquals((await ask(url)).result, "new");
  old.release();
  assertEquals((await held).result, "old");

  const metrics = await (await fetch(`${await addressOf(relay, "metrics are")}/metrics`)).text();
  assertEquals(sample(metrics, 'config_reloads_total{result="applied"}'), 1);
  assertEquals(sample(metrics, 'config_reloads_total{result="refused"}'), 0);
  const age = Date.now() / 1000 - sample(metrics, "config_last_reload_success_timestamp_seconds");
  assert(age >= 0 && age < 60, `${age}`);
  relay.kill("SIGTERM");
  assertEquals(await relay.exited, 0);
  const providers = receiver.records.map(({ attributes }) => String(attributes["provider"]));
  assertEquals(providers.sort(), ["new", "old"]);
});

Deno.test("a bad file is refused whole: every mistake with its place in the log and in the answer, and the old one goes on", async () => {
  await using node = startHeldNode("still");
  await using config = await configOnDisk(ethereum({ old: node.url }));
  await using relay = await startRelay([
    config.path,
    "--admin-listen-address=0",
    "--metrics-listen-address=127.0.0.1:0",
  ]);
  const [url = ""] = relay.urls;
  const admin = `${await addressOf(relay, "administration is")}/admin/reload`;
  const good = await Deno.readTextFile(config.path);
  const bad = good.replace("jsonrpc", "jsonrcp").replace(node.url, "nowhere at all");
  await config.write(bad);
  const line = String((await hangUp(relay))["mistakes"]);
  const answer = await fetch(admin, { method: "POST" });
  const { status, mistakes } = await answer.json();
  assertEquals([answer.status, status], [422, "refused"]);
  for (const each of [line, mistakes.join("; ")]) {
    for (const words of [config.path, "line 3", "endpoints[0].api-interface", "static-providers[0].node-urls[0].url"]) {
      assertStringIncludes(each, words);
    }
  }
  await config.write("endpoints: [");
  assertEquals((await hangUp(relay))["message"], REFUSED);
  await Deno.remove(config.path);
  assertStringIncludes(String((await hangUp(relay))["mistakes"]), "there is no such file");
  assertEquals((await ask(url)).result, "still");
  const metrics = await (await fetch(`${await addressOf(relay, "metrics are")}/metrics`)).text();
  assertEquals(sample(metrics, 'config_reloads_total{result="refused"}'), 4);
  await config.write(good);
  assertEquals((await hangUp(relay))["message"], RELOADED);
});

Deno.test("POST /admin/reload: the token or nothing, and no other verb", async () => {
  await using node = startHeldNode();
  await using config = await configOnDisk(ethereum({ a: node.url }));
  const flags = ["--admin-listen-address=0.0.0.0:0", "--admin-token=correct-horse"];
  await using relay = await startRelay([config.path, ...flags]);
  const base = (await addressOf(relay, "administration is")).replace("0.0.0.0", "127.0.0.1");
  const send = async (method: string, path: string, token?: string) => {
    const headers = token === undefined ? undefined : { authorization: `Bearer ${token}` };
    const response = await fetch(`${base}${path}`, { method, ...(headers && { headers }) });
    return [response.status, await response.text()] as const;
  };
  for (const [method, path] of [["POST", "/admin/reload"], ["GET", "/admin/reload"], ["GET", "/"]] as const) {
    for (const token of [undefined, "", "wrong", "correct-horse-battery"]) {
      assertEquals([method, path, token, ...await send(method, path, token)], [method, path, token, 401, ""]);
    }
  }
  assertEquals((await send("GET", "/admin/reload", "correct-horse"))[0], 405);
  assertEquals((await send("POST", "/admin", "correct-horse"))[0], 404);
  const [status, body] = await send("POST", "/admin/reload", "correct-horse");
  const { status: result, needs_restart: needsRestart } = JSON.parse(body);
  assertEquals([status, result, needsRestart], [200, "applied", []]);
  assert(!JSON.stringify(relay.log).includes("correct-horse"), "the token is in the log");
});

Deno.test("administration on loopback needs no token, but is not for pages; beyond loopback it does not start without one", async () => {
  await using node = startHeldNode();
  await using config = await configOnDisk(ethereum({ a: node.url }));
  await using relay = await startRelay([config.path, "--admin-listen-address=127.0.0.1:0"]);
  const admin = `${await addressOf(relay, "administration is")}/admin/reload`;
  const page = await fetch(admin, { method: "POST", headers: { origin: "https://page.example" } });
  assertEquals(page.status, 403);
  await page.body?.cancel();
  assertEquals((await (await fetch(admin, { method: "POST" })).json()).status, "applied");

  const { code, err } = await runCli("rpcsmartrouter", config.path, "--admin-listen-address=0.0.0.0:0");
  assertEquals(code, 2);
  assertStringIncludes(err, "--admin-token");
});

Deno.test("what needs a restart is named, and is not applied; the rest is", async () => {
  const certificates = await makeCertificates();
  await using node = startHeldNode("old");
  await using other = startHeldNode("new");
  await using config = await configOnDisk({});
  const [certFile, keyFile] = [`${config.folder}/cert.pem`, `${config.folder}/key.pem`];
  const tls = certificates && { "tls-enabled": true, "tls-cert-file": certFile, "tls-key-file": keyFile };
  await Deno.writeTextFile(certFile, certificates?.server.certPem ?? "");
  await Deno.writeTextFile(keyFile, certificates?.server.keyPem ?? "");
  const contentOf = (name: string, url: string, addresses: readonly string[]) => {
    const content = ethereum({ [name]: url });
    const chain = { "chain-id": "ETH1", "api-interface": "jsonrpc" };
    const endpoints = addresses.map((address) => ({ ...chain, "network-address": address }));
    return { ...content, endpoints: [...endpoints, { ...chain, "network-address": "127.0.0.1:0", ...tls }] };
  };
  await config.write(contentOf("a", node.url, ["127.0.0.1:0"]));
  await using relay = await startRelay([config.path], { listeners: 2 });
  await config.write(contentOf("b", other.url, ["127.0.0.1:0", "127.0.0.1:65001"]));
  const another = await makeCertificates();
  if (another !== undefined) {
    await Deno.writeTextFile(certFile, another.server.certPem);
    await Deno.writeTextFile(keyFile, another.server.keyPem);
  }
  const text = String((await hangUp(relay))["needs_restart"]);
  assertStringIncludes(text, "endpoint 127.0.0.1:65001 (ETH1 jsonrpc) is not served yet");
  if (another !== undefined) assertStringIncludes(text, "the certificate of endpoint 127.0.0.1:0 (ETH1 jsonrpc) no. 2");
  assertEquals(await ask(relay.urls[0]!), { result: "new", provider: "b" });

  await config.write(contentOf("b", other.url, []));
  assertStringIncludes(String((await hangUp(relay))["needs_restart"]), "is served on");
});

Deno.test("flags of the file: those that can change do, the others are named", async () => {
  await using node = startHeldNode();
  await using config = await configOnDisk(ethereum({ a: node.url }));
  await using relay = await startRelay([config.path, "--admin-listen-address=0"]);
  const admin = `${await addressOf(relay, "administration is")}/admin/reload`;
  const [url = ""] = relay.urls;
  const isDebugged = async () => {
    const headers = { "content-type": "application/json" };
    const body = '{"jsonrpc":"2.0","id":7,"method":"eth_chainId"}';
    const response = await fetch(url, { method: "POST", headers, body });
    await response.body?.cancel();
    return response.headers.has("lava-debug-relay");
  };
  assertEquals(await isDebugged(), false);
  const flags = { "debug-relays": true, "usage-otel-queue-size": 1000, "websocket-max-subscriptions": 7 };
  await config.write(ethereum({ a: node.url }, flags));
  assertEquals((await hangUp(relay))["needs_restart"], "--websocket-max-subscriptions; --usage-otel-queue-size");
  assertEquals(await isDebugged(), true);
  await config.write(ethereum({ a: node.url }, { ...flags, "log-level": "error" }));
  assertEquals(await (await fetch(admin, { method: "POST" })).json().then(({ status }) => status), "applied");
  assertEquals(relay.log.filter(({ message }) => message === RELOADED).length, 1, "and is said no more");
  await config.write(ethereum({ a: node.url }, { ...flags, "usage-otel-queue-size": -1 }));
  assertStringIncludes(String((await hangUp(relay))["mistakes"]), "usage-otel-queue-size");
});

Deno.test("chain specs and budgets are read anew", async () => {
  await using node = startHeldNode();
  await using config = await configOnDisk(ethereum({ a: node.url }));
  const path = `${config.folder}/mine.json`;
  const specOf = (units: number) => ({
    proposal: {
      specs: [{
        index: "MINE",
        name: "mine",
        enabled: true,
        average_block_time: 1000,
        allowed_block_lag_for_qos_sync: 1,
        api_collections: [{
          enabled: true,
          collection_data: { api_interface: "jsonrpc", internal_path: "", type: "POST", add_on: "" },
          apis: [{
            name: "mine_call",
            enabled: true,
            compute_units: units,
            category: {},
            block_parsing: { parser_arg: ["latest"], parser_func: "DEFAULT" },
          }],
          headers: [],
        }],
      }],
    },
  });
  await Deno.writeTextFile(path, JSON.stringify(specOf(10)));
  const mine = (more: Readonly<Record<string, unknown>> = {}) =>
    JSON.parse(JSON.stringify(ethereum({ a: node.url }, more)).replaceAll("ETH1", "MINE"));
  await config.write(mine());
  await using receiver = startReceiver();
  const usage = ["--usage-otel-enabled", `--usage-otel-endpoint=${receiver.url}`];
  await using relay = await startRelay([config.path, `--use-static-spec=${path}`, ...usage]);
  const [url = ""] = relay.urls;
  assertEquals((await ask(url, "mine_call")).result, "0x1");
  await Deno.writeTextFile(path, JSON.stringify(specOf(25)));
  assertEquals((await hangUp(relay))["message"], RELOADED);
  assertEquals((await ask(url, "mine_call")).result, "0x1");
  await config.write(mine({ projects: [{ id: "*", "units-per-day": 24 }] }));
  assertEquals((await hangUp(relay))["message"], RELOADED);
  assertEquals((await ask(url, "mine_call")).result, undefined);
  await Deno.writeTextFile(path, "{");
  assertStringIncludes(String((await hangUp(relay))["mistakes"]), path);
  relay.kill("SIGTERM");
  assertEquals(await relay.exited, 0);
  assertEquals(receiver.records.map(({ attributes }) => attributes["cu"]), [10, 25]);
});

Deno.test("a storm of SIGHUP under load: no call is refused, and reloads don't pile up", async () => {
  await using a = startHeldNode("a");
  await using b = startHeldNode("b");
  await using config = await configOnDisk(ethereum({ a: a.url }));
  await using relay = await startRelay([config.path, "--admin-listen-address=0"]);
  const admin = `${await addressOf(relay, "administration is")}/admin/reload`;
  const load = startLoad(relay.urls[0]!, 8);
  for (let round = 0; round < 10; round++) {
    await config.write(ethereum(round % 2 === 0 ? { b: b.url } : { a: a.url, b: b.url }));
    for (let i = 0; i < 10; i++) relay.kill("SIGHUP");
    await load.untilAnswered(load.answered.length + 20);
  }
  const asked = await Promise.all(Array.from({ length: 20 }, () => fetch(admin, { method: "POST" })));
  assertEquals(await Promise.all(asked.map(async (each) => (await each.json()).status)), asked.map(() => "applied"));
  await load.stop();
  assertEquals(load.broken, []);
  assertEquals(load.answered.filter(({ status, text }) => status !== 200 || !/"result":"[ab]"/.test(text)), []);
  const reloads = relay.log.filter(({ message }) => message === RELOADED).length;
  assert(reloads >= 4 && reloads < 100, `${reloads}`);
  relay.kill("SIGTERM");
  assertEquals(await relay.exited, 0);
});

Deno.test("while it shuts down nothing is reloaded", async () => {
  await using node = startHeldNode();
  await using config = await configOnDisk(ethereum({ a: node.url }));
  await using relay = await startRelay([config.path, "--admin-listen-address=0", "--shutdown-grace=1h"]);
  const admin = `${await addressOf(relay, "administration is")}/admin/reload`;
  node.hold();
  const held = ask(relay.urls[0]!);
  await node.untilAsked(1);
  relay.kill("SIGTERM");
  await relay.logged(({ message }) => message === "stopping");
  const answer = await fetch(admin, { method: "POST" });
  assertEquals([answer.status, (await answer.json()).status], [503, "stopping"]);
  relay.kill("SIGHUP");
  await relay.logged((line) => line["cause"] === "SIGHUP" && String(line["message"]).includes("shutting down"));
  node.release();
  assertEquals((await held).result, "0x1");
  assertEquals(await relay.exited, 0);
});

Deno.test("WebSockets stay open through a reload: calls go to the new provider, subscriptions go on", async () => {
  await using old = startSocketNode();
  await using other = startHeldNode("new");
  await using config = await configOnDisk(ethereum({ old: [old.httpUrl, old.wsUrl] }));
  await using relay = await startRelay([config.path]);
  await using client = await connectSocket(relay.urls[0]!);
  assertEquals((await client.call("eth_chainId")).result, "eth_chainId of a node");
  assertEquals(typeof (await client.call("eth_subscribe", ["newHeads"])).result, "string");
  assertEquals(old.notify({ number: "0x1" }), 1);
  await client.notified(1);
  await config.write(ethereum({ old: [other.url, old.wsUrl] }));
  assertEquals((await hangUp(relay))["message"], RELOADED);
  assertEquals((await client.call("eth_chainId")).result, "new");
  assertEquals(old.notify({ number: "0x2" }), 1);
  await client.notified(2);
  assertEquals(client.notifications.map(({ params }) => params?.result), [{ number: "0x1" }, { number: "0x2" }]);
});

Deno.test("gRPC reloads too: a stream under way ends at its node, new calls go to the other", async () => {
  const chain = { "chain-id": "COSMOSHUB", "api-interface": "grpc" };
  await using old = await startGrpcNode();
  await using other = await startGrpcNode((side) => answerWith(side, "new"));
  const contentOf = (port: number) => ({
    "endpoints": [{ ...chain, "network-address": "127.0.0.1:0" }],
    "static-providers": [{
      name: "node",
      ...chain,
      "node-urls": [{ url: `grpc://127.0.0.1:${port}`, "grpc-config": { "allow-insecure": true } }],
    }],
  });
  await using config = await configOnDisk(contentOf(old.port));
  await using relay = await startRelay([config.path]);
  await using client = await GrpcClient.connect(Number(new URL(relay.urls[0]!).port));
  const held = client.open("/cosmos.bank.v1beta1.Query/Params");
  held.stream.sendData(new Uint8Array(5), true);
  const { side } = await old.call(0);
  await config.write(contentOf(other.port));
  assertEquals((await hangUp(relay))["needs_restart"], "");
  const answered = await client.call("/cosmos.bank.v1beta1.Query/Params");
  assertEquals([statusOf(answered), answered.text().slice(5)], ["0", "new"]);
  answerWith(side, "old");
  await held.over.promise;
  assertEquals([statusOf(held), held.text().slice(5)], ["0", "old"]);
  await old.server.drain();
  relay.kill("SIGTERM");
  assertEquals(await relay.exited, 0);
});

Deno.test("a SIGHUP while the relay starts does not end it, and is heard when it has", async () => {
  await using node = startHeldNode();
  await using config = await configOnDisk(ethereum({ a: node.url }));
  // The spec is fetched, so that the start takes as long as the test wants.
  const { promise: asked, resolve: onAsked } = Promise.withResolvers<void>();
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  await using source = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async () => {
    onAsked();
    await gate;
    return Response.json({ proposal: { specs: [] } });
  });
  const starting = startRelay([config.path, `--use-static-spec=http://127.0.0.1:${source.addr.port}/x.json`], {
    onSpawn: async (pid) => {
      await asked;
      Deno.kill(pid, "SIGHUP");
      open();
    },
  });
  await using relay = await starting;
  await relay.logged(({ message }) => message === RELOADED);
});
