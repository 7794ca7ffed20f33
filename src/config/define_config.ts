import type { RelayFile } from "./relay_file.ts";

/**
 * Types a configuration that is a program: the default export of `relaymeter.config.ts`, which the command line takes in
 * place of a YAML file. Comes back with what it is given; it is checked when the relay starts, all mistakes at once.
 *
 * The members are those of the YAML file. Every flag of the command line may stand among them under its name; the command
 * line and the environment take precedence.
 *
 * @example A configuration whose key comes from the environment
 * ```ts
 * import { defineConfig } from "@relaymeter/relay";
 *
 * const config = defineConfig({
 *   "endpoints": [{ "chain-id": "ETH1", "api-interface": "jsonrpc", "network-address": "127.0.0.1:3333" }],
 *   "static-providers": [{
 *     "name": "hosted",
 *     "chain-id": "ETH1",
 *     "api-interface": "jsonrpc",
 *     "node-urls": [{ "url": "https://node.example", "auth-config": { "auth-headers": { "x-api-key": "..." } } }],
 *   }],
 *   "usage-otel-enabled": true,
 * });
 * // In relaymeter.config.ts: export default config;
 * if (config.endpoints[0]?.["chain-id"] !== "ETH1") throw new Error("it is what was given");
 * ```
 */
export function defineConfig(config: RelayFile): RelayFile {
  return config;
}
