import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import process from "node:process";

/** Who owns a folder of the spool; pid 0: nobody any more. */
interface Owner {
  readonly hostname: string;
  readonly pid: number;
}

const OWNER_FILE = "owner.json";
/** How often an owner says that it is alive. */
const HEARTBEAT_MS = 5_000;
/** Silence after which an owner that can't be asked counts as dead. */
const DEAD_AFTER_MS = 6 * HEARTBEAT_MS;
/** Silence after which a process id that is alive must belong to another program; an owner may be held up for long. */
const REUSED_AFTER_MS = 600_000;

/** The folders of this very process. */
const ownFolders = new Set<string>();

/**
 * A process's own folder within the spool's directory. No two processes share one; the folders of dead processes are
 * taken over by moving them into one's own, which only one can do.
 */
export class SpoolFolder {
  readonly path: string;
  readonly #directory: string;
  readonly #owner: Owner;

  private constructor(path: string, directory: string, owner: Owner) {
    this.path = path;
    this.#directory = directory;
    this.#owner = owner;
  }

  /** Makes a folder of one's own. Throws when the directory can't be written to. */
  static async create(directory: string, hostname: string, name: string): Promise<SpoolFolder> {
    const owner = { hostname, pid: process.pid };
    const path = `${directory}/${name}`;
    await mkdir(path, { recursive: true });
    ownFolders.add(path);
    await writeFile(`${path}/${OWNER_FILE}`, JSON.stringify(owner));
    return new SpoolFolder(path, directory, owner);
  }

  /** Says that the owner is alive. */
  async beat(): Promise<void> {
    const now = new Date();
    await utimes(`${this.path}/${OWNER_FILE}`, now, now);
  }

  /** Takes over the folders of dead processes; comes back with the paths of the segments in them, oldest first. */
  async adoptOrphans(): Promise<string[]> {
    const segments: string[] = [];
    for (const { name } of await readdir(this.#directory, { withFileTypes: true })) {
      const orphan = `${this.#directory}/${name}`;
      if (orphan === this.path || !(await this.#isOrphan(orphan))) continue;
      const adopted = `${this.path}/${name}`;
      try {
        await rename(orphan, adopted);
      } catch {
        // Another process was faster.
        continue;
      }
      segments.push(...await segmentsIn(adopted));
    }
    return segments.sort((a, b) => fileName(a).localeCompare(fileName(b)));
  }

  /** Gives the folder up: it is left for the next process when segments are in it, and removed when none are. */
  async release(): Promise<void> {
    ownFolders.delete(this.path);
    if ((await segmentsIn(this.path)).length === 0) return await rm(this.path, { recursive: true, force: true });
    await writeFile(`${this.path}/${OWNER_FILE}`, JSON.stringify({ ...this.#owner, pid: 0 }));
  }

  async #isOrphan(path: string): Promise<boolean> {
    try {
      if (!(await stat(path)).isDirectory()) return false;
      const ownerFile = `${path}/${OWNER_FILE}`;
      const beatMs = (await stat(ownerFile)).mtimeMs;
      const owner: Owner = JSON.parse(await readFile(ownerFile, "utf8"));
      if (owner.pid === 0) return true;
      const silenceMs = Date.now() - beatMs;
      if (owner.hostname !== this.#owner.hostname) return silenceMs > DEAD_AFTER_MS;
      // A process id comes back: in a container it is the same in every life.
      if (owner.pid === this.#owner.pid) return !ownFolders.has(path);
      return !isAlive(owner.pid) || silenceMs > REUSED_AFTER_MS;
    } catch {
      // No owner file, or half of one: died at birth. A newborn has a moment to write it.
      return await isOlderThan(path, 1_000);
    }
  }
}

/** Paths of the segments below a folder that was taken over, and below those that it had taken over itself. */
async function segmentsIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries.filter(({ name }) => name.endsWith(".seg")).map(({ name, parentPath }) => `${parentPath}/${name}`);
}

function fileName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Not ours to signal, but there.
    return (error as { code?: string }).code === "EPERM";
  }
}

async function isOlderThan(path: string, ms: number): Promise<boolean> {
  try {
    return Date.now() - (await stat(path)).mtimeMs > ms;
  } catch {
    return false;
  }
}
