/** Flags whose effect shows only at a relay's own listeners, or at its collector. */
import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../mod.ts";
import { startCountingNode } from "../support/counting_node.ts";
import { until } from "../support/prometheus.ts";
import { RawConnection } from "../support/raw_http.ts";
import { startRelay } from "../support/relay_process.ts";

const TRIPLE = ["127.0.0.1:0", "ETH1", "jsonrpc"];
/** Nothing listens there. */
const NOWHERE = "http://127.0.0.1:1";
/** Longest that a test waits for what comes within a tenth of a second, and not for many seconds without its flag. */
const PATIENCE_MS = 5_000;

/** Sends text to a listener and reads until it closes the connection; undefined when it does not in time. */
async function untilClosed(url: string, text: string): Promise<string | undefined> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(url).port) });
  await connection.write(new TextEncoder().encode(text));
  const late = Promise.withResolvers<undefined>();
  const cancel = systemClock.schedule(PATIENCE_MS, () => late.resolve(undefined));
  const reading = (async () => {
    const buffer = new Uint8Array(16_384);
    let received = "";
    for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) {
      received += new TextDecoder().decode(buffer.subarray(0, count));
    }
    return received;
  })().catch(() => undefined);
  try {
    return await Promise.race([reading, late.promise]);
  } finally {
    cancel();
  }
}

const HEALTH = "GET /lava/health HTTP/1.1\r\nhost: relay\r\n";

for (const server of ["own", "node"]) {
  Deno.test(`--http-header-timeout of --http-server ${server} closes a connection whose head does not come`, async () => {
    await using relay = await startRelay([
      ...[...TRIPLE, "--upstream", NOWHERE],
      ...[`--http-server=${server}`, "--http-header-timeout=100ms", "--http-idle-timeout=1h"],
    ]);
    assertEquals((await untilClosed(relay.urls[0]!, HEALTH))?.includes("200"), false);
  });

  Deno.test(`--http-idle-timeout of --http-server ${server} closes a connection without a next request`, async () => {
    await using relay = await startRelay([
      ...[...TRIPLE, "--upstream", NOWHERE],
      ...[`--http-server=${server}`, "--http-idle-timeout=100ms"],
    ]);
    const received = await untilClosed(relay.urls[0]!, `${HEALTH}\r\n`);
    assert(received?.startsWith("HTTP/1.1 200"), String(received));
  });
}

Deno.test("--http-max-connections turns away who comes in addition, until somebody has left", async () => {
  await using relay = await startRelay([
    ...[...TRIPLE, "--upstream", NOWHERE],
    ...["--http-server=own", "--http-max-connections=1"],
  ]);
  const url = relay.urls[0]!;
  const one = await RawConnection.open(url);
  await one.write(`${HEALTH}\r\n`);
  assertEquals((await one.read()).status, 200);
  using other = await RawConnection.open(url);
  assertEquals((await other.read()).status, 503);
  one[Symbol.dispose]();
  // The relay hears of that when it hears of it.
  for (let status = 503; status !== 200;) {
    using next = await RawConnection.open(url);
    await next.write(`${HEALTH}\r\n`);
    status = (await next.read()).status;
  }
});

Deno.test("--ui-host is a name under which the page is served, and no other is", async () => {
  await using relay = await startRelay([
    ...[...TRIPLE, "--upstream", NOWHERE],
    ...["--ui=127.0.0.1:0", "--ui-host=meter.example"],
  ]);
  const url = String(relay.log.find(({ message }) => message === "usage page is served")!["url"]);
  const statusFor = async (host: string) =>
    /^HTTP\/1\.1 (\d+)/.exec(
      await untilClosed(url, `GET / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`) ?? "",
    )?.[1];
  assertEquals(await statusFor("meter.example"), "200");
  assert(await statusFor("other.example") !== "200");
});

Deno.test("--epoch-duration and --geolocation are in the scores that are served", async () => {
  await using node = startCountingNode();
  await using relay = await startRelay([
    ...[...TRIPLE, "--upstream", node.url, "--optimizer-qos-listen", "--metrics-listen-address=127.0.0.1:0"],
    ...["--epoch-duration=1s", "--geolocation=7", "--optimizer-qos-sampling-interval=20ms"],
  ]);
  const body = '{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":["acme"]}';
  await (await fetch(relay.urls[0]!, { method: "POST", headers: { "content-type": "application/json" }, body })).text();
  const { address } = relay.log.find(({ message }) => String(message).includes("metrics"))!;
  const scores = await firstScores(`http://${address}/provider_optimizer_metrics`);
  const [{ epoch, geo_location, timestamp }] = scores as [Record<string, number | string>];
  assertEquals([epoch, geo_location], [Math.floor(Date.parse(String(timestamp)) / 1_000), 7]);
});

async function firstScores(url: string): Promise<readonly unknown[]> {
  let scores: readonly unknown[] = [];
  await until(async () => {
    scores = await (await fetch(url)).json();
    return scores.length > 0;
  });
  return scores;
}

/** Who exports, and whom the collector takes it for. */
const EXPORTERS = [["otlp", false], ["sdk", true]] as const;

for (const [exporter, isOfficial] of EXPORTERS) {
  Deno.test(`--usage-otel-exporter=${exporter} is whom the collector sees`, async () => {
    const { promise: agent, resolve } = Promise.withResolvers<string>();
    await using collector = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
      await request.body?.cancel();
      resolve(request.headers.get("user-agent") ?? "");
      return Response.json({});
    });
    await using relay = await startRelay([
      ...[...TRIPLE, "--upstream", NOWHERE, "--usage-otel-enabled", `--usage-otel-exporter=${exporter}`],
      ...[`--usage-otel-endpoint=127.0.0.1:${collector.addr.port}`, "--usage-otel-flush-interval=10ms"],
    ]);
    const body = '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}';
    await (await fetch(relay.urls[0]!, { method: "POST", headers: { "content-type": "application/json" }, body }))
      .text();
    assertEquals(/OTel/i.test(await agent), isOfficial, await agent);
  });
}
