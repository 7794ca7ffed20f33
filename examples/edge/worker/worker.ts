/** A relay in a Worker: what it asks, and where its events go, is in the bindings. */
import { createOtelUsageSink, createPathRouter, createRelay } from "@relaymeter/relay";
import { createWorkersHandler } from "@relaymeter/relay/workers";

interface Env {
  /** URLs of Ethereum nodes, separated by spaces: `https://` ones, and a `wss://` one for subscriptions. */
  readonly ETHEREUM_NODES: string;
  /** URL of a Cosmos Hub node's REST interface. */
  readonly COSMOS_NODE: string;
  /** The collector's logs endpoint, such as `https://collector.example/v1/logs`. */
  readonly COLLECTOR_URL: string;
}

export default createWorkersHandler<Env>({
  createRelay: (env, surroundings) =>
    createPathRouter({
      "/eth": createRelay({
        chainId: "ETH1",
        providers: [{ name: "ethereum", nodeUrls: env.ETHEREUM_NODES.split(" ").map((url) => ({ url })) }],
        ...surroundings,
      }),
      "/cosmos": createRelay({
        chainId: "COSMOSHUB",
        apiInterface: "rest",
        providers: [{ name: "cosmos", nodeUrls: [{ url: env.COSMOS_NODE }] }],
        ...surroundings,
      }),
    }),
  createUsage: (env) => createOtelUsageSink({ url: env.COLLECTOR_URL, queueSize: 10_000 }),
});
