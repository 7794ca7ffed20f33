/** The relay with the permissions of `deno task start` and no others. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import denoConfig from "../../deno.json" with { type: "json" };
import { startReceiver } from "../support/receiver.ts";
import { runCliWith, startRelay } from "../support/relay_process.ts";

const [, FLAGS = ""] = /^deno run (.*) cli\.ts$/.exec(denoConfig.tasks.start) ?? [];
const RUN_FLAGS = FLAGS.split(" ");

/** A configuration in a folder of its own, in front of a node of this process. */
async function stage(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  await using node = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { id } = await request.json();
    return Response.json({ jsonrpc: "2.0", id, result: request.headers.get("x-api-key") });
  });
  const config = `
endpoints:
  - { chain-id: ETH1, api-interface: jsonrpc, network-address: "127.0.0.1:0" }
static-providers:
  - name: a
    chain-id: ETH1
    api-interface: jsonrpc
    node-urls:
      - url: http://127.0.0.1:${node.addr.port}
        auth-config: { auth-headers: { x-api-key: "\${NODE_KEY}" } }
`;
  try {
    await Deno.writeTextFile(`${folder}/relay.yml`, config);
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("they are listed one by one, and nothing asks for more", () => {
  assert(RUN_FLAGS.includes("--no-prompt") && RUN_FLAGS.length > 1);
  // How much memory V8 takes is no permission.
  const asked = RUN_FLAGS.filter((flag) => !flag.startsWith("--v8-flags="));
  assertEquals(asked.filter((flag) => !/^--(?:no-prompt|allow-(?:net|env|read=\.|sys=hostname))$/.test(flag)), []);
});

Deno.test("with them a call is relayed, its event arrives, and SIGTERM ends the relay in order", () =>
  stage(async (folder) => {
    await using collector = startReceiver();
    await using relay = await startRelay(
      ["relay.yml", "--usage-otel-enabled", `--usage-otel-endpoint=${collector.url}`],
      { cwd: folder, runFlags: RUN_FLAGS, env: { NODE_KEY: "k1" } },
    );
    const response = await fetch(relay.urls[0]!, {
      method: "POST",
      headers: { "content-type": "application/json", "project-id": "acme" },
      body: '{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}',
    });
    assertEquals(await response.json(), { jsonrpc: "2.0", id: 1, result: "k1" });
    await collector.waitFor(1);
    assertEquals(collector.records[0]?.attributes["project"], "acme");
    assertEquals(collector.records[0]?.resource["service.instance.id"]?.toString().includes(Deno.hostname()), true);
    relay.kill("SIGTERM");
    assertEquals(await relay.exited, 0);
  }));

for (const [missing, message, exit] of [["net", "can't be listened on", 1], ["read", "can't be read", 2]] as const) {
  Deno.test(`without --allow-${missing} it says so and ends, and asks nobody`, () =>
    stage(async (folder) => {
      const flags = RUN_FLAGS.filter((flag) => !flag.startsWith(`--allow-${missing}`));
      const { code, err } = await runCliWith(["rpcsmartrouter", "relay.yml"], { NODE_KEY: "k1" }, folder, flags);
      assertEquals(code, exit);
      assertStringIncludes(err, message);
    }));
}

Deno.test("without --allow-env and --allow-sys it relays all the same, from a command line", () =>
  stage(async (folder) => {
    await using node = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
      const { id } = await request.json();
      return Response.json({ jsonrpc: "2.0", id, result: "0x1" });
    });
    const upstream = `http://127.0.0.1:${node.addr.port}`;
    await using relay = await startRelay(["127.0.0.1:0", "ETH1", "jsonrpc", "--upstream", upstream], {
      cwd: folder,
      runFlags: ["--no-prompt", "--allow-net"],
    });
    const response = await fetch(relay.urls[0]!, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}',
    });
    assertEquals(await response.json(), { jsonrpc: "2.0", id: 1, result: "0x1" });
  }));
