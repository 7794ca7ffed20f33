import { assertStringIncludes } from "@std/assert";
import { readConfigFile } from "../../src/config/config_file.ts";
import { describeMistake } from "../../src/config/mistake.ts";

/** A configuration file without a mistake. `K3Y` stands for what no message may quote. */
export const GOOD = `endpoints:
  - chain-id: ETH1
    api-interface: jsonrpc
    network-address: 127.0.0.1:3333
static-providers:
  - name: primary
    chain-id: ETH1
    api-interface: jsonrpc
    node-urls:
      - url: https://node.example/v2/K3Y
        addons: [debug]
        timeout: 1m30s
        ip-forwarding: true
        methods: [eth_chainId]
        auth-config: { auth-headers: { x-key: K3Y }, auth-query: key=K3Y }
backup-providers:
  - name: spare
    chain-id: ETH1
    api-interface: jsonrpc
    node-urls: [{ url: "node.example:8545" }]
`;

/** The good file with one text of it replaced. */
export function change(from: string, to: string, text = GOOD): string {
  assertStringIncludes(text, from);
  return text.replace(from, () => to);
}

/** Every mistake of a file, as a reader gets it. */
export function mistakesIn(text: string): readonly string[] {
  return readConfigFile(text).mistakes.map(describeMistake);
}
