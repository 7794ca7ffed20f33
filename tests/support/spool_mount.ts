/** Small and read-only file systems, where the tests may mount them. */

/** A file system of its own, gone after the test. */
export interface Mounted extends AsyncDisposable {
  readonly path: string;
  /** Takes all the room but `leftBytes`. */
  fill(leftBytes?: number): Promise<void>;
  /** Gives the room back. */
  empty(): Promise<void>;
}

const BALLAST = "ballast";

/** Mounts an empty file system in memory; undefined, and a line that says why, where that is not permitted. */
export async function mountTmpfs(options: string): Promise<Mounted | undefined> {
  const path = await Deno.makeTempDir({ prefix: "spool-mount-" });
  const why = await run("mount", "-t", "tmpfs", "-o", options, "tmpfs", path);
  if (why !== undefined) {
    await Deno.remove(path);
    Deno.stderr.writeSync(new TextEncoder().encode(`skipped: no file system can be mounted here (${why})\n`));
    return undefined;
  }
  return {
    path,
    async fill(leftBytes = 0) {
      using file = await Deno.open(`${path}/${BALLAST}`, { create: true, write: true });
      const chunk = new Uint8Array(4096).fill(1);
      try {
        for (;;) await file.write(chunk);
      } catch {
        const { size } = await file.stat();
        await file.truncate(Math.max(0, size - leftBytes));
      }
    },
    empty: () => Deno.remove(`${path}/${BALLAST}`),
    async [Symbol.asyncDispose]() {
      await run("umount", "-l", path);
      await Deno.remove(path);
    },
  };
}

/** Undefined when it went well, else why not. */
async function run(program: string, ...args: readonly string[]): Promise<string | undefined> {
  try {
    const { success, stderr } = await new Deno.Command(program, { args: [...args], stdin: "null" }).output();
    return success ? undefined : new TextDecoder().decode(stderr).trim().split("\n")[0]!;
  } catch (error) {
    return error instanceof Error ? error.name : "unknown";
  }
}
