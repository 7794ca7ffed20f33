/**
 * A relay's configuration as a program: checked by the editor, with values from wherever a program finds them. Where a
 * command names no file, `relaymeter.config.ts` of the working directory is taken.
 *
 *     deno run -A cli.ts config print examples/relaymeter.config.ts
 */
import { defineConfig, type FileProvider } from "@relaymeter/relay";

/** One hosted node for each key, so that a new key is a new word in one variable. */
const keys = (Deno.env.get("NODE_KEYS") ?? "replace-me").split(",");

function hosted(key: string, index: number): FileProvider {
  return {
    "name": `hosted-${index + 1}`,
    "chain-id": "ETH1",
    "api-interface": "jsonrpc",
    "node-urls": [{ "url": "https://eth.node.example/v2", "auth-config": { "auth-headers": { "x-api-key": key } } }],
  };
}

export default defineConfig({
  "endpoints": [{ "chain-id": "ETH1", "api-interface": "jsonrpc", "network-address": "127.0.0.1:3333" }],
  "static-providers": keys.map(hosted),
  // Any flag of the command line, which takes precedence, as does the environment.
  "strategy": "latency",
  "shutdown-grace": "10s",
});
