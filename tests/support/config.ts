/** A provider of a configuration file, as the tests need it. */
export interface TestProvider {
  readonly name: string;
  readonly url: string;
  readonly addons?: readonly string[];
}

/** Writes a configuration with one endpoint on a free port; comes back with the file's path. */
export async function writeConfig(
  primaries: readonly TestProvider[],
  backups: readonly TestProvider[] = [],
  projects: readonly Readonly<Record<string, unknown>>[] = [],
): Promise<{ path: string } & AsyncDisposable> {
  const entry = ({ name, url, addons = [] }: TestProvider) => ({
    name,
    "chain-id": "ETH1",
    "api-interface": "jsonrpc",
    "node-urls": [{ url, addons, "skip-verifications": ["*"] }],
  });
  const path = await Deno.makeTempFile({ suffix: ".yml" });
  const content = {
    "endpoints": [{ "chain-id": "ETH1", "api-interface": "jsonrpc", "network-address": "127.0.0.1:0" }],
    "static-providers": primaries.map(entry),
    "backup-providers": backups.map(entry),
    "projects": projects,
  };
  await Deno.writeTextFile(path, JSON.stringify(content));
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path) };
}
