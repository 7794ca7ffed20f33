/** A relay on Node: what it asks, and where its events go, is in the environment. */
import process from "node:process";
import { createOtelUsageSink, createPathRouter, createRelay } from "@relaymeter/relay";
import { nodeConnect } from "@relaymeter/relay/connect-node";
import { serveNode } from "@relaymeter/relay/node";

/** A variable that has to be set. */
function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`${name} is not set`);
  return value;
}

const usage = await createOtelUsageSink({ url: setting("COLLECTOR_URL") });
const shared = { usage, connect: nodeConnect };
const ethereum = createRelay({
  chainId: "ETH1",
  // URLs separated by spaces: https ones, and a wss one for subscriptions.
  providers: [{ name: "ethereum", nodeUrls: setting("ETHEREUM_NODES").split(" ").map((url) => ({ url })) }],
  ...shared,
});
const cosmos = createRelay({
  chainId: "COSMOSHUB",
  apiInterface: "rest",
  providers: [{ name: "cosmos", nodeUrls: [{ url: setting("COSMOS_NODE") }] }],
  ...shared,
});
const listener = await serveNode(createPathRouter({ "/eth": ethereum, "/cosmos": cosmos }), {
  hostname: process.env.HOST ?? "127.0.0.1",
  port: Number(process.env.PORT ?? 3333),
});
process.stdout.write(`http://${listener.hostname}:${listener.port}\n`);

process.once("SIGTERM", async () => {
  const stopped = listener.shutdown();
  await Promise.all([ethereum.close(), cosmos.close()]);
  await stopped;
  const { relay_usage } = await usage.close();
  process.exit(relay_usage.exported === relay_usage.accepted ? 0 : 1);
});
