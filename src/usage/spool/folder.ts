import { fileSystem, process } from "./platform.ts";

const { mkdir, readdir, readFile, realpath, rename, rm, stat, utimes, writeFile } = fileSystem;

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
  #isMade = false;

  private constructor(path: string, directory: string, owner: Owner) {
    this.path = path;
    this.#directory = directory;
    this.#owner = owner;
  }

  /** Makes a folder of one's own. Throws when the directory can't be written to; a full disk is no reason to. */
  static async create(directory: string, hostname: string, name: string): Promise<SpoolFolder> {
    await mkdir(directory, { recursive: true });
    // One directory can be written in many ways.
    const real = await realpath(directory);
    const folder = new SpoolFolder(`${real}/${name}`, real, { hostname, pid: process.pid });
    ownFolders.add(folder.path);
    await folder.ensure().catch((error) => {
      if (!isFull(error)) throw error;
    });
    return folder;
  }

  /** Makes what could not be made when the disk was full. */
  async ensure(): Promise<void> {
    if (this.#isMade) return;
    await mkdir(this.path, { recursive: true });
    await this.#writeOwner(this.#owner);
    this.#isMade = true;
  }

  /** Says that the owner is alive. */
  async beat(): Promise<void> {
    if (!this.#isMade) return await this.ensure();
    const now = new Date();
    await utimes(`${this.path}/${OWNER_FILE}`, now, now);
  }

  /** Takes over what dead processes have left; comes back with the paths of their segments, oldest first. */
  async adoptOrphans(): Promise<string[]> {
    const adopted: string[] = [];
    for (const { name } of await readdir(this.#directory, { withFileTypes: true })) {
      const orphan = `${this.#directory}/${name}`;
      if (orphan === this.path || !(await this.#isOrphan(orphan))) continue;
      const claimed = `${this.path}/${name}`;
      try {
        // Only one process can do this.
        await rename(orphan, claimed);
      } catch {
        continue;
      }
      adopted.push(...await this.#moveUp(claimed));
    }
    return adopted.sort().map((segment) => `${this.path}/${segment}`);
  }

  /**
   * Moves the files of a folder that was claimed, and of those that its owner had claimed, to one's own. Comes back with
   * the names of the segments.
   */
  async #moveUp(claimed: string): Promise<string[]> {
    const segments: string[] = [];
    for (const { name, parentPath } of await readdir(claimed, { withFileTypes: true, recursive: true })) {
      if (!isSegment(name)) continue;
      const own = await this.#freeName(name);
      await rename(`${parentPath}/${name}`, `${this.path}/${own}`);
      await rename(`${parentPath}/${name}.ack`, `${this.path}/${own}.ack`).catch(() => {});
      segments.push(own);
    }
    await rm(claimed, { recursive: true, force: true });
    return segments;
  }

  /** The name itself, or one like it when another file has it. */
  async #freeName(name: string): Promise<string> {
    try {
      await stat(`${this.path}/${name}`);
      return name.replace(/\.seg$/, `-${crypto.randomUUID().slice(0, 8)}.seg`);
    } catch {
      return name;
    }
  }

  /** Gives the folder up: it is left for the next process when segments are in it, and removed when none are. */
  async release(): Promise<void> {
    ownFolders.delete(this.path);
    if (!this.#isMade) return;
    const isEmpty = !(await readdir(this.path)).some(isSegment);
    if (isEmpty) await rm(this.path, { recursive: true, force: true });
    else await this.#writeOwner({ ...this.#owner, pid: 0 });
  }

  async #writeOwner(owner: Owner): Promise<void> {
    await writeFile(`${this.path}/${OWNER_FILE}`, JSON.stringify(owner));
  }

  async #isOrphan(path: string): Promise<boolean> {
    try {
      if (!(await stat(path)).isDirectory()) return false;
    } catch {
      return false;
    }
    try {
      const ownerFile = `${path}/${OWNER_FILE}`;
      const owner: Owner = JSON.parse(await readFile(ownerFile, "utf8"));
      if (owner.pid === 0) return true;
      const silenceMs = Date.now() - (await stat(ownerFile)).mtimeMs;
      if (owner.hostname !== this.#owner.hostname) return silenceMs > DEAD_AFTER_MS;
      // A process id comes back: in a container it is the same in every life.
      if (owner.pid === this.#owner.pid) return !ownFolders.has(path);
      return !isAlive(owner.pid) || silenceMs > REUSED_AFTER_MS;
    } catch {
      // No owner file, or half of one. What holds no segment is not the spool's; a newborn has a moment to write it.
      return !ownFolders.has(path) && await holdsSegments(path) && await isOlderThan(path, 1_000);
    }
  }
}

/** Names of segments sort by age. */
function isSegment(name: string): boolean {
  return /^\d{15}-\d{6}(?:-[0-9a-f]+)*\.seg$/.test(name);
}

async function holdsSegments(path: string): Promise<boolean> {
  try {
    return (await readdir(path)).some(isSegment);
  } catch {
    return false;
  }
}

function isFull(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT"].includes((error as { code?: string }).code ?? "");
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
