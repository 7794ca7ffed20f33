import { type Instruction, only, readDockerfile } from "./dockerfile.ts";

/** The file system of an image, made by hand of what its Dockerfile says, and entered by `chroot`. */
export interface Image extends AsyncDisposable {
  readonly root: string;
  /** A command in it: as the image's user, with the image's variables and these. */
  command(words: readonly string[], env?: Readonly<Record<string, string>>): Deno.Command;
  readonly entrypoint: readonly string[];
  readonly healthCheck: readonly string[];
  /** User and group. */
  readonly owner: string;
}

/**
 * Builds the image: the build stage in a folder of its own, and the last stage on top of what the base image is known to
 * have, the runtime and the C library. Undefined, and a line that says why, where `chroot` is not permitted.
 */
export async function buildImage(dockerfile: string, context: string): Promise<Image | undefined> {
  const [build, last] = readDockerfile(dockerfile);
  if (build === undefined || last === undefined) throw new Error("two stages are what the test knows");
  const folder = await Deno.makeTempDir();
  const [buildRoot, root] = [`${folder}/build-stage`, `${folder}/image`];
  const dispose = async () => {
    await Deno.remove(folder, { recursive: true });
  };
  try {
    await layRuntime(root);
    const probe = await enter(root, only(last, "USER").words[0]!, ["deno", "--version"], {}).output();
    if (!probe.success) {
      const why = new TextDecoder().decode(probe.stderr).trim().split("\n")[0];
      Deno.stderr.writeSync(new TextEncoder().encode(`skipped: the image can't be entered (${why})\n`));
      await dispose();
      return undefined;
    }
    await runBuild(build, context, buildRoot);
    for (const { options, words } of last.filter(({ name }) => name === "COPY")) {
      await copy(`${buildRoot}${words[0]}`, `${root}${words[1]}`);
      if (options["chown"] !== undefined) await run("chown", ["-R", options["chown"], `${root}${words[1]}`]);
    }
  } catch (error) {
    await dispose();
    throw error;
  }
  const owner = only(last, "USER").words[0]!;
  const variables = Object.fromEntries(
    last.filter(({ name }) => name === "ENV").map(({ words }) => words[0]!.split("=", 2) as [string, string]),
  );
  return {
    root,
    owner,
    entrypoint: only(last, "ENTRYPOINT").words,
    healthCheck: only(last, "HEALTHCHECK").words,
    command: (words, env = {}) => enter(root, owner, words, { ...variables, ...env }),
    [Symbol.asyncDispose]: dispose,
  };
}

/** Runs in the image, in a namespace of its own for mounts, so that nothing of them stays. */
function enter(root: string, owner: string, words: readonly string[], env: Readonly<Record<string, string>>) {
  const script = 'mount --rbind /proc "$ROOT/proc" && exec chroot --userspec="$OWNER" --groups= "$ROOT" "$@"';
  return new Deno.Command("unshare", {
    args: ["--mount", "sh", "-c", script, "sh", ...words],
    clearEnv: true,
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", DENO_DIR: "/deno-dir/", ROOT: root, OWNER: owner, ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

/** The runtime, the libraries that it is linked to, and the few files that every container has. */
async function layRuntime(root: string): Promise<void> {
  const { stdout } = await new Deno.Command("ldd", { args: [Deno.execPath()] }).output();
  const libraries = new TextDecoder().decode(stdout).matchAll(/(\/\S+) \(0x/g);
  for (const [, path] of libraries) await copy(path!, `${root}${path}`);
  await copy(Deno.execPath(), `${root}/usr/bin/deno`);
  await Deno.mkdir(`${root}/etc`, { recursive: true });
  await Deno.writeTextFile(`${root}/etc/hosts`, "127.0.0.1 localhost\n");
  await Deno.mkdir(`${root}/proc`);
  await Deno.mkdir(`${root}/dev`);
  for (const [name, minor] of [["null", "3"], ["urandom", "9"]] as const) {
    await run("mknod", ["-m", "666", `${root}/dev/${name}`, "c", "1", minor]).catch(() => {});
  }
}

async function runBuild(stage: readonly Instruction[], context: string, root: string): Promise<void> {
  const folder = `${root}${only(stage, "WORKDIR").words[0]}`;
  await Deno.mkdir(folder, { recursive: true });
  for (const { name, words } of stage) {
    if (name === "COPY") {
      const into = words.at(-1)!;
      for (const path of words.slice(0, -1)) {
        await copy(`${context}/${path}`, into.endsWith("/") ? `${folder}/${path}` : `${folder}/${into}`);
      }
    } else if (name === "RUN") await run("sh", ["-c", words.join(" ")], folder);
  }
}

async function copy(from: string, to: string): Promise<void> {
  await Deno.mkdir(to.slice(0, to.lastIndexOf("/")), { recursive: true });
  await run("cp", ["-rL", from, to]);
}

async function run(program: string, args: readonly string[], cwd = "/"): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args: [...args], cwd, stdin: "null" }).output();
  if (!success) throw new Error(`${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}
