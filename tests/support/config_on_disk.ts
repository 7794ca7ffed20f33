import { stringify } from "yaml";

/** A configuration file that a test changes while a relay runs with it. */
export interface ConfigOnDisk extends AsyncDisposable {
  readonly folder: string;
  readonly path: string;
  /** Writes other content. */
  write(content: Readonly<Record<string, unknown>> | string): Promise<void>;
}

/** Writes the first content into a folder of its own. */
export async function configOnDisk(content: Readonly<Record<string, unknown>>): Promise<ConfigOnDisk> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/relay.yml`;
  const write = (content: Readonly<Record<string, unknown>> | string) =>
    Deno.writeTextFile(path, typeof content === "string" ? content : stringify(content));
  await write(content);
  return { folder, path, write, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

const CHAIN = { "chain-id": "ETH1", "api-interface": "jsonrpc" };

/** ETH1 over JSON-RPC at one address, and who is asked: URLs by the providers' names. */
export function ethereum(
  providers: Readonly<Record<string, string | readonly string[]>>,
  { address = "127.0.0.1:0", ...more }: { readonly address?: string; readonly [member: string]: unknown } = {},
): Record<string, unknown> {
  return {
    "endpoints": [{ ...CHAIN, "network-address": address }],
    "static-providers": Object.entries(providers).map(([name, urls]) => ({
      name,
      ...CHAIN,
      "node-urls": [urls].flat().map((url) => ({ url, "skip-verifications": ["*"] })),
    })),
    ...more,
  };
}
