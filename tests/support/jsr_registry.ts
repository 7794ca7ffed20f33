/** A JSR registry on loopback: the checkout as `deno publish` would upload it, and what stands in for `@std/cli`. */
import stdCli from "../../.links/std-cli/deno.json" with { type: "json" };
import denoConfig from "../../deno.json" with { type: "json" };

const ROOT = new URL("../../", import.meta.url);

/** A registry that listens. */
export interface JsrRegistry extends AsyncDisposable {
  /** What `JSR_URL` is to say. */
  readonly url: string;
  /** Files that were asked for. */
  readonly asked: readonly string[];
}

/** The files that `deno publish` would upload, below the root of the checkout. */
export async function publishedFiles(): Promise<string[]> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["publish", "--dry-run", "--allow-dirty", "--no-check"],
    cwd: ROOT.pathname,
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  if (!success) throw new Error(text);
  return [...text.matchAll(/^ +(file:\S+) \(/gm)].map(([, url]) => url!.slice(ROOT.href.length));
}

/** A package of the registry. */
interface Package {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, string>>;
  /** Contents by their paths, with a slash before them. */
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

/** Reads a package's files below `root`. */
async function readPackage(
  { name, version, exports }: Omit<Package, "files">,
  root: URL,
  paths: readonly string[],
): Promise<Package> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const path of paths) {
    const bytes = await Deno.readFile(new URL(path, root));
    files.set(`/${path}`, path.endsWith(".ts") ? unfurl(bytes) : bytes);
  }
  return { name, version, exports, files };
}

async function manifestOf({ files }: Package): Promise<Record<string, { size: number; checksum: string }>> {
  const manifest: Record<string, { size: number; checksum: string }> = {};
  for (const [path, bytes] of files) {
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    manifest[path] = { size: bytes.length, checksum: `sha256-${hash.toHex()}` };
  }
  return manifest;
}

/** Starts a registry on a free port. */
export async function startJsrRegistry(): Promise<JsrRegistry> {
  const packages = [
    await readPackage(denoConfig, ROOT, await publishedFiles()),
    await readPackage(stdCli, new URL(".links/std-cli/", ROOT), ["parse_args.ts"]),
  ];
  const asked: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const path = new URL(request.url).pathname;
    const found = packages.find(({ name }) => path.startsWith(`/${name}/`));
    if (found === undefined) return new Response("not found\n", { status: 404 });
    const { name, version, exports, files } = found;
    if (path === `/${name}/meta.json`) {
      const [scope, rest] = name.slice(1).split("/");
      return Response.json({ scope, name: rest, versions: { [version]: {} } });
    }
    if (path === `/${name}/${version}_meta.json`) {
      return Response.json({ manifest: await manifestOf(found), exports });
    }
    const file = path.slice(`/${name}/${version}`.length);
    asked.push(file);
    const bytes = files.get(file);
    if (bytes === undefined) return new Response("not found\n", { status: 404 });
    const type = file.endsWith(".ts") ? "text/typescript" : file.endsWith(".json") ? "application/json" : "text/plain";
    return new Response(bytes, { headers: { "content-type": type } });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    asked,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** What `deno publish` does to specifiers that only the package's own `imports` explain. */
function unfurl(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const imports: Readonly<Record<string, string>> = denoConfig.imports;
  const source = new TextDecoder().decode(bytes);
  return new TextEncoder().encode(
    source.replace(/(\bfrom |\bimport |\bimport\()"([^"]+)"/g, (whole, before: string, specifier: string) => {
      const name = Object.keys(imports).find((known) => specifier === known || specifier.startsWith(`${known}/`));
      return name === undefined ? whole : `${before}"${imports[name]}${specifier.slice(name.length)}"`;
    }),
  );
}
