import { type ConfigDocument, unreadable } from "../config/config_document.ts";
import type { Environment } from "../config/environment.ts";
import { MAX_FILE_BYTES, parseConfigText } from "../config/parse_document.ts";
import { importConfig } from "./import_config.ts";

/** The file that is taken where a command names none. */
export const DEFAULT_CONFIG_FILE = "relaymeter.config.ts";

/** Reads a configuration file as its extension says: a program that exports it, strict JSON, or YAML. */
export async function readConfigFile(path: string, environment: Environment): Promise<ConfigDocument> {
  let text: string | undefined;
  try {
    text = decode(readBytes(path));
  } catch (error) {
    return unreadable([{ path: [], message: reasonOf(error) }]);
  }
  if (text === undefined) return unreadable([{ path: [], message: "is no text in UTF-8" }]);
  if (/\.[cm]?[jt]s$/i.test(path)) return await importConfig(path);
  return parseConfigText(text, (name) => environment.get(name), /\.json$/i.test(path) ? "json" : "yaml");
}

/** Whether the working directory holds the file that is taken where a command names none. */
export function hasDefaultConfigFile(): boolean {
  try {
    return Deno.statSync(DEFAULT_CONFIG_FILE).isFile;
  } catch {
    return false;
  }
}

/** The file's bytes, or a few more than are taken: what can't be read to its end is not. */
function readBytes(path: string): Uint8Array {
  using file = Deno.openSync(path);
  if (file.statSync().isDirectory) throw new Deno.errors.IsADirectory();
  const chunks: Uint8Array[] = [];
  for (let size = 0; size <= MAX_FILE_BYTES;) {
    const chunk = new Uint8Array(65_536);
    const count = file.readSync(chunk);
    if (count === null) break;
    chunks.push(chunk.subarray(0, count));
    size += count;
  }
  const bytes = new Uint8Array(chunks.reduce((size, { length }) => size + length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

function decode(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  if (error instanceof Deno.errors.IsADirectory) return "is a directory, and no file";
  if (error instanceof Deno.errors.PermissionDenied) return "can't be read: permission denied";
  if (error instanceof Deno.errors.NotCapable) return "can't be read: --allow-read does not cover it";
  return "it can't be read";
}
