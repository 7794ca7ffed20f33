/** A store that speaks S3: s3rver, from npm. */
import { freePort } from "./collector_otel.ts";
import { installTool } from "./npm_tool.ts";

/** A store with one bucket, `usage`. */
export interface ObjectStore extends AsyncDisposable {
  readonly url: string;
  /** Writes an object. */
  put(key: string, content: string): Promise<void>;
  /** Copies all objects into a folder, each under its key; comes back with the keys. */
  copyTo(folder: string): Promise<string[]>;
}

/** Starts a store that keeps its objects in a folder; undefined, and a line that says why, where it can't be had. */
export async function startObjectStore(folder: string): Promise<ObjectStore | undefined> {
  const installed = await installTool("s3rver", "3.7.1");
  if (installed === undefined) return undefined;
  const url = `http://127.0.0.1:${freePort()}`;
  const child = new Deno.Command("node", {
    args: [`${installed}/bin/s3rver.js`, "-d", folder, "-a", "127.0.0.1", "-p", new URL(url).port],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const output = child.stdout.getReader();
  await output.read();
  const request = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${url}/usage${path}`, init);
    const text = await response.text();
    if (!response.ok) throw new Error(`${init.method ?? "GET"} ${path}: ${response.status} ${text}`);
    return text;
  };
  await request("", { method: "PUT" });
  return {
    url,
    put: async (key, content) => void await request(`/${key}`, { method: "PUT", body: content }),
    async copyTo(target) {
      const listing = await request("?list-type=2");
      const keys = [...listing.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => key!);
      for (const key of keys) {
        await Deno.mkdir(`${target}/${key}`.slice(0, `${target}/${key}`.lastIndexOf("/")), { recursive: true });
        await Deno.writeTextFile(`${target}/${key}`, await request(`/${key}`));
      }
      return keys;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await output.cancel();
      await child.status;
    },
  };
}
