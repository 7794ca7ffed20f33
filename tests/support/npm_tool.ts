/** Packages that only a test needs: got from npm once, into the user's cache folder. */

/** The folder of a package, installed where it is not there yet; undefined, and a line that says why, without npm. */
export async function installTool(name: string, version: string): Promise<string | undefined> {
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "."}/.cache`;
  const folder = `${cache}/relaymeter/${name.replaceAll("/", "_")}-${version}`;
  const installed = `${folder}/node_modules/${name}`;
  try {
    if ((await Deno.stat(`${installed}/package.json`)).isFile) return installed;
  } catch {
    // Not there yet.
  }
  try {
    await Deno.mkdir(folder, { recursive: true });
    const { success, stderr } = await new Deno.Command("npm", {
      args: ["install", "--no-audit", "--no-fund", "--prefix", folder, `${name}@${version}`],
      stdin: "null",
    }).output();
    if (success) return installed;
    skip(name, new TextDecoder().decode(stderr).trim().split("\n")[0]!);
  } catch (error) {
    skip(name, error instanceof Error ? error.name : "unknown");
  }
  return undefined;
}

function skip(name: string, why: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`skipped: ${name} can't be installed, because ${why}\n`));
}
