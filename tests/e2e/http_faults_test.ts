import { assert, assertEquals } from "@std/assert";
import { createRelay, type RelayConfig } from "../../mod.ts";
import { residentMib } from "../../bench/load/process.ts";
import { HTTP_SERVERS, type HttpServer, type HttpServerLimits, listenWith } from "../support/http_servers.ts";
import { startHeldNode } from "../support/held_node.ts";
import { MemorySink } from "../support/memory_sink.ts";
import { exchange, RawConnection } from "../support/raw_http.ts";
import { startReceiver } from "../support/receiver.ts";
import { startRelay } from "../support/relay_process.ts";
import { answering, scriptedNodes } from "../support/scripted_node.ts";

const CALL = '{"jsonrpc":"2.0","id":7,"method":"eth_chainId"}';
const HEAD = "POST / HTTP/1.1\r\nHost: relay\r\nContent-Type: application/json\r\n";
const POST = `${HEAD}Content-Length: ${CALL.length}\r\n\r\n${CALL}`;
const TRIPLE = ["127.0.0.1:0", "ETH1", "jsonrpc"];

/** The servers that bound how long clients may take. */
const STRICT = ["own", "node"] as const satisfies readonly HttpServer[];

/** A relay in this process, so that what it leaves open is found. */
async function start(server: HttpServer, limits: HttpServerLimits = {}, options: Partial<RelayConfig> = {}) {
  const usage = new MemorySink();
  const { fetch } = scriptedNodes({ a: answering((method) => method === "eth_getLogs" ? LARGE : "0x1") });
  const providers = [{ name: "a", nodeUrls: [{ url: "http://a" }] }];
  const relay = createRelay({ chainId: "ETH1", providers, ...options, usage, fetch });
  const listener = await listenWith(server, relay, limits);
  return {
    url: `http://127.0.0.1:${listener.port}`,
    usage,
    async [Symbol.asyncDispose]() {
      const closing = listener.shutdown();
      await relay.close(0);
      await closing;
    },
  };
}

/** More than the buffers of a connection take. */
const LARGE = "x".repeat(8_000_000);

/** Sends a byte now and then until the other side has had enough; comes back with the status that says so. */
async function drip(url: string, before: string, text: string): Promise<number> {
  using connection = await RawConnection.open(url);
  await connection.write(before);
  let at = 0;
  const dripping = setInterval(() => connection.write(text[at++ % text.length]!), 20);
  try {
    return (await connection.read()).status;
  } finally {
    clearInterval(dripping);
  }
}

for (const server of STRICT) {
  Deno.test(`${server}: a head that comes byte by byte is given up in time, and nobody else waits`, async () => {
    await using relay = await start(server, { headerTimeoutMs: 300, idleTimeoutMs: 300 });
    const slow = Array.from({ length: 20 }, () => drip(relay.url, `${HEAD}X-Slow: `, "x"));
    assertEquals((await exchange(relay.url, POST)).status, 200);
    assertEquals(new Set(await Promise.all(slow)), new Set([408]));
    // Who says nothing at all has no more time.
    using silent = await RawConnection.open(relay.url);
    const end = await silent.readToEnd();
    assert(end === "" || end.startsWith("HTTP/1.1 408 "), end);
    assertEquals(relay.usage.events.length, 1);
  });
}

for (const server of HTTP_SERVERS) {
  Deno.test(`${server}: a body that comes byte by byte is given up in time, and charges nobody`, async () => {
    await using relay = await start(server, {}, { bodyTimeoutMs: 300 });
    const heads = [`${HEAD}Content-Length: 100000\r\n\r\n`, `${HEAD}Transfer-Encoding: chunked\r\n\r\n`];
    const slow = [drip(relay.url, heads[0]!, "x"), drip(relay.url, heads[1]!, "1\r\nx\r\n")];
    assertEquals(await Promise.all(slow), [408, 408]);
    assertEquals(relay.usage.events, []);
  });

  Deno.test(`${server}: clients that vanish at every byte of a request leave nothing behind`, async () => {
    await using relay = await start(server);
    for (let cut = 1; cut < POST.length; cut += 3) {
      const connection = await RawConnection.open(relay.url);
      // The answer to the first is not read, so that the connection is reset.
      await connection.write(POST + POST.slice(0, cut));
      connection[Symbol.dispose]();
    }
    const before = relay.usage.events.length;
    assertEquals((await exchange(relay.url, POST)).status, 200);
    assert(relay.usage.events.length > before);
    assert(relay.usage.events.length <= Math.ceil(POST.length / 3) + 1, String(relay.usage.events.length));
  });

  Deno.test(`${server}: who ends its side early has the connection ended, and is charged once at the most`, async () => {
    await using relay = await start(server);
    for (let cut = 1; cut <= POST.length; cut += 20) {
      using connection = await RawConnection.open(relay.url);
      await connection.write(POST.slice(0, cut));
      await connection.endWriting();
      await connection.readToEnd();
    }
    assert(relay.usage.events.length <= 1);
    assertEquals((await exchange(relay.url, POST)).status, 200);
  });
}

Deno.test("own: clients that never read their answer are cut, however many", async () => {
  await using relay = await start("own", { idleTimeoutMs: 400 });
  const body = CALL.replace("eth_chainId", "eth_getLogs");
  const connections = await Promise.all(Array.from({ length: 5 }, () => RawConnection.open(relay.url)));
  for (const each of connections) await each.write(`${HEAD}Content-Length: ${body.length}\r\n\r\n${body}`);
  while (relay.usage.events.length < 5) await new Promise((resolve) => setTimeout(resolve, 20));
  // Nothing is read for longer than they have; a good client is answered meanwhile.
  const until = performance.now() + 1_500;
  while (performance.now() < until) {
    assertEquals((await exchange(relay.url, POST)).status, 200);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  for (const each of connections) {
    const came = await each.readToEnd();
    assert(came.length < LARGE.length, `${came.length} bytes came`);
    each[Symbol.dispose]();
  }
});

Deno.test("own: one connection too many is told so, and the next is taken when another has gone", async () => {
  await using relay = await start("own", { maxConnections: 3 });
  const held = await Promise.all(Array.from({ length: 3 }, () => RawConnection.open(relay.url)));
  for (const each of held) {
    await each.write(POST);
    assertEquals((await each.read()).status, 200);
  }
  using late = await RawConnection.open(relay.url);
  assert((await late.readToEnd()).startsWith("HTTP/1.1 503 "));
  held[0]![Symbol.dispose]();
  for (;;) {
    const answer = await exchange(relay.url, POST).catch(() => undefined);
    if (answer?.status === 200) break;
  }
  for (const each of held) each[Symbol.dispose]();
});

Deno.test("own: thousands of idle connections cost little, and are gone when they are closed", async () => {
  const count = 9_000;
  await using node = startHeldNode();
  const flags = ["--http-server=own", "--http-max-connections=0", "--http-header-timeout=1m"];
  await using relay = await startRelay([...TRIPLE, "--upstream", node.url, ...flags]);
  const [url = ""] = relay.urls;
  assertEquals((await exchange(url, POST)).status, 200);
  const before = residentMib(relay.pid);
  const connections: RawConnection[] = [];
  while (connections.length < count) {
    connections.push(...await Promise.all(Array.from({ length: 100 }, () => RawConnection.open(url))));
  }
  assertEquals((await exchange(url, POST)).status, 200);
  const kib = (residentMib(relay.pid) - before) * 1_024 / count;
  for (const each of connections) each[Symbol.dispose]();
  assert(kib < 40, `${kib} KiB for a connection`);
  const descriptors = () => [...Deno.readDirSync(`/proc/${relay.pid}/fd`)].length;
  while (descriptors() > 200) assertEquals((await exchange(url, POST)).status, 200);
  relay.kill("SIGTERM");
  assertEquals(await relay.exited, 0);
});

/** Calls until a connection is accepted. */
async function callUntilAccepted(url: string): Promise<number> {
  const timeIsUp = AbortSignal.timeout(10_000);
  while (true) {
    try {
      return (await exchange(url, POST)).status;
    } catch (error) {
      if (timeIsUp.aborted) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

for (const server of ["own", "deno"]) {
  Deno.test(`${server}: a relay that is out of descriptors takes connections again when there are some`, async () => {
    const folder = await Deno.makeTempDir();
    const program = `${folder}/relay`;
    const cli = new URL("../../cli.ts", import.meta.url).pathname;
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const command = `exec ${Deno.execPath()} run -A --config ${config} ${cli} "$@"`;
    await Deno.writeTextFile(program, `#!/bin/sh\nulimit -n 150\n${command}\n`, { mode: 0o755 });
    try {
      await using node = startHeldNode();
      await using relay = await startRelay(
        [...TRIPLE, "--upstream", node.url, `--http-server=${server}`],
        { program },
      );
      const [url = ""] = relay.urls;
      assertEquals((await exchange(url, POST)).status, 200);
      const crowd = await Promise.allSettled(Array.from({ length: 300 }, () => RawConnection.open(url)));
      await relay.logged(({ message }) => message === "a connection could not be accepted");
      for (const each of crowd) if (each.status === "fulfilled") each.value[Symbol.dispose]();
      assertEquals(await callUntilAccepted(url), 200);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

for (const server of HTTP_SERVERS) {
  Deno.test(`${server}: told to stop with fifty requests under way it answers them all, each on the bill once`, async () => {
    await using node = startHeldNode();
    await using receiver = startReceiver();
    const usage = ["--usage-otel-enabled", `--usage-otel-endpoint=${receiver.url}`];
    const args = [...TRIPLE, "--upstream", node.url, `--http-server=${server}`, ...usage];
    await using relay = await startRelay(args);
    const [url = ""] = relay.urls;
    node.hold();
    const connections = await Promise.all(Array.from({ length: 50 }, () => RawConnection.open(url)));
    for (const each of connections) await each.write(POST);
    await node.untilAsked(50);
    relay.kill("SIGTERM");
    await relay.logged(({ message }) => message === "no new requests are taken");
    node.release();
    for (const each of connections) {
      assertEquals((await each.read()).status, 200);
      assertEquals(await each.readToEnd(), "");
      each[Symbol.dispose]();
    }
    assertEquals(await relay.exited, 0);
    assertEquals(receiver.records.length, 50);
  });
}
