import type * as FileSystem from "node:fs/promises";
import type NodeProcess from "node:process";
import type * as Zlib from "node:zlib";

/**
 * What the spool needs of the platform, asked for when the spool is: imports of it would stand at the head of every bundle,
 * and keep it from running where there are no files.
 */
const { process } = globalThis as unknown as { process: typeof NodeProcess };

export const fileSystem: typeof FileSystem = process.getBuiltinModule("node:fs/promises");
export const { crc32 }: typeof Zlib = process.getBuiltinModule("node:zlib");
export { process };
