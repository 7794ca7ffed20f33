import { type EventFile, findFiles } from "../report/event_files.ts";
import { openForReading, type StoreFile } from "../store/open_store.ts";

/** Where events are read from: a store, or files that a collector wrote. */
export type UsageSource =
  | { readonly kind: "store"; readonly file: StoreFile; readonly path: string }
  | { readonly kind: "files"; readonly files: readonly EventFile[]; readonly bytes: number }
  | { readonly kind: "failure"; readonly message: string };

const SQLITE_HEAD = "SQLite format 3\0";

/** Opens what the paths name: one store, or any number of files and folders. */
export async function openSource(paths: readonly string[]): Promise<UsageSource> {
  if (paths.length === 0) return failure("name a store, or files and folders of JSON lines that a collector wrote");
  let files: readonly EventFile[];
  try {
    files = await findFiles(paths);
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    return failure(`${paths.join(", ")}: ${isMissing ? "there is no such file or folder" : "can't be read"}`);
  }
  const stores = files.filter(({ path }) => paths.includes(path) && isStore(path));
  if (stores.length === 0) {
    return { kind: "files", files, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) };
  }
  if (paths.length > 1) return failure(`${stores[0]!.path} is a store; name nothing beside it`);
  const opened = openForReading(paths[0]!);
  return opened.kind === "failure" ? opened : { kind: "store", file: opened.file, path: paths[0]! };
}

function isStore(path: string): boolean {
  using file = Deno.openSync(path);
  const head = new Uint8Array(SQLITE_HEAD.length);
  file.readSync(head);
  return new TextDecoder().decode(head) === SQLITE_HEAD;
}

function failure(message: string): UsageSource {
  return { kind: "failure", message };
}
