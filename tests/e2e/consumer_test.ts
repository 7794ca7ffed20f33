/** A project that uses the package, as its authors would write it: in a folder of its own, by the package's name. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import denoConfig from "../../deno.json" with { type: "json" };
import { startJsrRegistry } from "../support/jsr_registry.ts";
import { startReceiver } from "../support/receiver.ts";

const CHECKOUT = new URL("../../", import.meta.url).pathname;

/** The relay of a user in a hurry. */
const PROGRAM = `
import { createOtelUsageSink, createRelay } from "@relaymeter/relay";
const [nodeUrl, collectorUrl] = Deno.args;
const usage = await createOtelUsageSink({ url: collectorUrl! });
const relay = createRelay({ chainId: "ETH1", providers: [{ name: "a", nodeUrls: [{ url: nodeUrl! }] }], usage });
const onListen = ({ port }: Deno.NetAddr) => console.log(\`http://127.0.0.1:\${port}\`);
const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen }, (request) => relay.fetch(request));
Deno.addSignalListener("SIGTERM", async () => {
  await server.shutdown();
  await relay.close();
  const { relay_usage } = await usage.close();
  console.log(\`exported \${relay_usage.exported}\`);
  Deno.exit(0);
});
`;

Deno.test("a project that links to the checkout relays, and has its events", () =>
  useAs({ imports: {}, links: [CHECKOUT] }, {}));

Deno.test("a project that imports what would be published from a registry relays, and has its events", async () => {
  await using registry = await startJsrRegistry();
  await useAs({ imports: { "@relaymeter/relay": `jsr:@relaymeter/relay@${denoConfig.version}` } }, {
    JSR_URL: registry.url,
  });
  assert(registry.asked.includes("/mod.ts"));
});

Deno.test("the program runs from a registry", async () => {
  await using registry = await startJsrRegistry();
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-config", `jsr:@relaymeter/relay@${denoConfig.version}/cli`, "spec", "list"],
    env: { JSR_URL: registry.url, NO_COLOR: "1" },
    stdin: "null",
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  assertStringIncludes(new TextDecoder().decode(stdout), "ETH1");
});

/** Writes the project, type-checks it, and runs it against a node and a collector. */
async function useAs(config: { imports: Record<string, string>; links?: string[] }, env: Record<string, string>) {
  const folder = await Deno.makeTempDir();
  try {
    const imports = { "@relaymeter/relay": "jsr:@relaymeter/relay", ...config.imports };
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ ...config, imports }));
    await Deno.writeTextFile(`${folder}/main.ts`, PROGRAM);
    const deno = (...args: readonly string[]) =>
      new Deno.Command(Deno.execPath(), {
        args: [...args],
        cwd: folder,
        env: { ...env, NO_COLOR: "1" },
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      });
    const checked = await deno("check", "main.ts").output();
    assert(checked.success, new TextDecoder().decode(checked.stderr));

    await using collector = startReceiver();
    await using node = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
      const { id } = await request.json();
      return Response.json({ jsonrpc: "2.0", id, result: "0x1" });
    });
    const nodeUrl = `http://127.0.0.1:${node.addr.port}`;
    const child = deno("run", "--no-prompt", "--allow-net", "main.ts", nodeUrl, collector.url).spawn();
    // What hangs is ended, so that the test says what it was waiting for.
    const overdue = setTimeout(() => child.kill("SIGKILL"), 60_000);
    const lines = readLines(child.stdout);
    const errors = new Response(child.stderr).text();
    const { value: listening } = await lines.next();
    const url = /http:\S+/.exec(listening ?? "")?.[0];
    assert(url !== undefined, `${listening}\n${url === undefined ? await errors : ""}`);
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", "project-id": "acme" },
      body: '{"jsonrpc":"2.0","id":"x","method":"eth_chainId"}',
    });
    assertEquals(await response.text(), '{"jsonrpc":"2.0","id":"x","result":"0x1"}');
    await collector.waitFor(1);
    child.kill("SIGTERM");
    assertEquals((await lines.next()).value, "exported 1");
    assertEquals((await child.status).code, 0);
    clearTimeout(overdue);
    await errors;
    const [record] = collector.records;
    assertEquals([record?.attributes["project"], record?.attributes["api_method"]], ["acme", "eth_chainId"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function* readLines(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string, undefined> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  return undefined;
}
