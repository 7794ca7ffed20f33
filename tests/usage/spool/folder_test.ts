import { assert, assertEquals, assertRejects } from "@std/assert";
import { SpoolFolder } from "../../../src/usage/spool/folder.ts";
import { Segment } from "../../../src/usage/spool/segment.ts";
import { deadPid, filesIn, HOST, leaveFolder, type Leftover, tempFolder, textsOf } from "../../support/spool_files.ts";
import { mountTmpfs } from "../../support/spool_mount.ts";

const DEAD_PID = await deadPid();
/** Alive, and not this process. */
const LIVE_PID = Deno.ppid;
const SEGMENTS = { "000000000000001-000000.seg": ["a"] };

/** What segments hold, in the order of their paths. */
async function contentOf(paths: readonly string[]): Promise<string[]> {
  const texts: string[] = [];
  for (const path of paths) {
    const { segment } = (await Segment.open(path))!;
    texts.push(...textsOf((await segment.read(1_000)).records));
    await segment.close();
  }
  return texts;
}

/** Folders, and whether this process may take them over. */
const FOLDERS: Readonly<Record<string, readonly [leftover: Leftover, isTakenOver: boolean]>> = {
  "of a dead process, heard of just now": [{ owner: { hostname: HOST, pid: DEAD_PID } }, true],
  "of a dead process, silent for a day": [{ owner: { hostname: HOST, pid: DEAD_PID }, silenceMs: 86_400_000 }, true],
  "that its owner gave up": [{ owner: { hostname: HOST, pid: 0 } }, true],
  "that its owner on another host gave up": [{ owner: { hostname: "other", pid: 0 } }, true],
  "of a live process": [{ owner: { hostname: HOST, pid: LIVE_PID } }, false],
  "of a live process that is held up for five minutes": [
    { owner: { hostname: HOST, pid: LIVE_PID }, silenceMs: 300_000 },
    false,
  ],
  "of a process whose id another program has got since": [
    { owner: { hostname: HOST, pid: LIVE_PID }, silenceMs: 3_600_000 },
    true,
  ],
  "of an earlier life with the same id, as in a container": [{ owner: { hostname: HOST, pid: Deno.pid } }, true],
  "of another host, heard of just now": [{ owner: { hostname: "other", pid: DEAD_PID } }, false],
  "of another host with this process's id, heard of just now": [{ owner: { hostname: "other", pid: Deno.pid } }, false],
  "of another host, heard of 20 s ago": [{ owner: { hostname: "other", pid: 1 }, silenceMs: 20_000 }, false],
  "of another host, silent for five minutes": [{ owner: { hostname: "other", pid: 1 }, silenceMs: 300_000 }, true],
  "without an owner, old": [{ silenceMs: 60_000 }, true],
  "without an owner, newborn": [{}, false],
  "with half an owner file, old": [{ owner: '{"hostname":"thi', silenceMs: 60_000 }, true],
  "with half an owner file, newborn": [{ owner: '{"hostname":"thi' }, false],
  "with an empty owner file, old": [{ owner: "", silenceMs: 60_000 }, true],
};

for (const [what, [leftover, isTakenOver]] of Object.entries(FOLDERS)) {
  Deno.test(`a folder ${what} is ${isTakenOver ? "taken over with its segments" : "left alone"}`, async () => {
    await using directory = await tempFolder();
    await leaveFolder(`${directory.path}/left`, { segments: SEGMENTS, ...leftover });
    const before = await filesIn(`${directory.path}/left`);
    const folder = await SpoolFolder.create(directory.path, HOST, "mine");
    const paths = await folder.adoptOrphans();
    assertEquals(await contentOf(paths), isTakenOver ? ["a"] : []);
    for (const path of paths) assert((await Deno.stat(path)).isFile && path.startsWith(`${folder.path}/`), path);
    if (!isTakenOver) assertEquals(await filesIn(`${directory.path}/left`), before);
    assertEquals(await folder.adoptOrphans(), [], "a second look finds nothing new");
  });
}

Deno.test("what two spools of this process have is not taken over by either, however the directory is written", async () => {
  await using directory = await tempFolder();
  const first = await SpoolFolder.create(directory.path, HOST, "first");
  for (const spelling of [directory.path, `${directory.path}/`, `${directory.path}/.`]) {
    const other = await SpoolFolder.create(spelling, HOST, "other");
    await other.adoptOrphans();
    assert((await Deno.stat(first.path)).isDirectory, `by way of ${spelling.slice(directory.path.length)}`);
    await other.release();
  }
  await first.release();
  assertEquals([...Deno.readDirSync(directory.path)], []);
});

Deno.test("a directory that is not the spool's keeps its place and its files", async () => {
  await using directory = await tempFolder();
  const foreign = `${directory.path}/lost+found/deep`;
  await Deno.mkdir(foreign, { recursive: true });
  await Deno.writeTextFile(`${foreign}/precious.txt`, "keep me");
  const longAgo = new Date(Date.now() - 86_400_000);
  await Deno.utime(`${directory.path}/lost+found`, longAgo, longAgo);
  await Deno.writeTextFile(`${directory.path}/notes.txt`, "keep me too");

  const folder = await SpoolFolder.create(directory.path, HOST, "mine");
  await folder.adoptOrphans();
  await folder.release();
  assertEquals(await filesIn(directory.path), ["lost+found/deep/precious.txt", "notes.txt"]);
});

Deno.test("segments come back oldest first, whatever the names of the folders that they were in", async () => {
  await using directory = await tempFolder();
  const owner = { hostname: HOST, pid: 0 };
  await leaveFolder(`${directory.path}/z`, {
    owner,
    segments: { "000000000000001-000000.seg": ["1"], "000000000000004-000003.seg": ["4"] },
  });
  await leaveFolder(`${directory.path}/a`, {
    owner,
    segments: { "000000000000003-000000.seg": ["3"], "000000000000003-000001.seg": ["3b"] },
  });
  await leaveFolder(`${directory.path}/a/nested/twice`, { segments: { "000000000000002-000000.seg": ["2"] } });
  const folder = await SpoolFolder.create(directory.path, HOST, "mine");
  assertEquals(await contentOf(await folder.adoptOrphans()), ["1", "2", "3", "3b", "4"]);
});

Deno.test("what an adopter had taken over before it died is taken over with it", async () => {
  await using directory = await tempFolder();
  await leaveFolder(`${directory.path}/first`, { owner: { hostname: HOST, pid: DEAD_PID }, segments: SEGMENTS });
  const adopter = await SpoolFolder.create(directory.path, HOST, "adopter");
  assertEquals((await adopter.adoptOrphans()).length, 1);
  await Deno.writeTextFile(`${adopter.path}/owner.json`, JSON.stringify({ hostname: HOST, pid: DEAD_PID }));
  const last = await SpoolFolder.create(directory.path, HOST, "last");
  assertEquals(await contentOf(await last.adoptOrphans()), ["a"]);
});

for (const segments of [{}, SEGMENTS]) {
  const what = Object.keys(segments).length === 0 ? "nothing to deliver" : "something to deliver";
  Deno.test(`200 lives in a row that all end by SIGKILL, with ${what}, do not keep the next from starting`, async () => {
    await using directory = await tempFolder();
    const name = (life: number) => `relay-7c9f5d6b8-x2x7q-1-${String(life).padStart(12, "0")}`;
    await leaveFolder(`${directory.path}/${name(0)}`, { owner: { hostname: HOST, pid: DEAD_PID }, segments });
    for (let life = 1; life <= 200; life++) {
      const folder = await SpoolFolder.create(directory.path, HOST, name(life));
      assertEquals((await folder.adoptOrphans()).length, Object.keys(segments).length, `life ${life}`);
      await Deno.writeTextFile(`${folder.path}/owner.json`, JSON.stringify({ hostname: HOST, pid: DEAD_PID }));
    }
  });
}

Deno.test("a folder is removed when it is given up empty, and left to the next when segments are in it", async () => {
  await using directory = await tempFolder();
  const empty = await SpoolFolder.create(directory.path, HOST, "empty");
  await empty.release();
  assertEquals([...Deno.readDirSync(directory.path)], []);
  const full = await SpoolFolder.create(directory.path, HOST, "full");
  await leaveFolder(full.path, { segments: SEGMENTS });
  await full.release();
  const next = await SpoolFolder.create(directory.path, "other", "next");
  assertEquals(await contentOf(await next.adoptOrphans()), ["a"]);
});

Deno.test("an owner that says that it is alive is heard", async () => {
  await using directory = await tempFolder();
  const remote = await SpoolFolder.create(directory.path, "other", "remote");
  const longAgo = new Date(Date.now() - 3_600_000);
  await Deno.utime(`${remote.path}/owner.json`, longAgo, longAgo);
  await remote.beat();
  const folder = await SpoolFolder.create(directory.path, HOST, "mine");
  await folder.adoptOrphans();
  assert((await Deno.stat(remote.path)).isDirectory);
});

Deno.test("an owner that found the disk full at its start has said who it is by the time that it has said it is alive", async () => {
  await using mounted = await mountTmpfs("size=256k");
  if (mounted === undefined) return;
  await mounted.fill();
  const folder = await SpoolFolder.create(mounted.path, "other", "early");
  await mounted.empty();
  await folder.beat();
  assertEquals(JSON.parse(await Deno.readTextFile(`${folder.path}/owner.json`)), { hostname: "other", pid: Deno.pid });
});

Deno.test("segments that have the same name in two folders both come back", async () => {
  await using directory = await tempFolder();
  const [name] = Object.keys(SEGMENTS);
  for (const text of ["a", "b"]) {
    await leaveFolder(`${directory.path}/${text}`, {
      owner: { hostname: HOST, pid: 0 },
      segments: { [name!]: [text] },
    });
  }
  const folder = await SpoolFolder.create(directory.path, HOST, "mine");
  assertEquals((await contentOf(await folder.adoptOrphans())).sort(), ["a", "b"]);
});

Deno.test("a directory that can't be made is an error", async () => {
  await using directory = await tempFolder();
  await Deno.writeTextFile(`${directory.path}/file`, "");
  await assertRejects(() => SpoolFolder.create(`${directory.path}/file/spool`, HOST, "mine"));
});

Deno.test("of two processes that take over at once, exactly one gets each folder, and none gets the other's", async () => {
  await using directory = await tempFolder();
  const names = Array.from({ length: 200 }, (_, index) => `${String(index).padStart(15, "0")}-000000.seg`);
  for (const name of names) {
    const folder = `${directory.path}/${name}-folder`;
    await leaveFolder(folder, { owner: { hostname: HOST, pid: DEAD_PID } });
    await Deno.writeTextFile(`${folder}/${name}`, name);
  }
  const script = new URL("../../support/spool_adopter.ts", import.meta.url).pathname;
  const adopters = ["one", "two"].map((name) =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", script, directory.path, HOST, name],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn()
  );
  const outputs = adopters.map(({ stdout }) => stdout.pipeThrough(new TextDecoderStream()).getReader());
  const inputs = adopters.map(({ stdin }) => stdin.getWriter());
  const line = async (index: number) => {
    let text = "";
    while (!text.endsWith("\n")) text += (await outputs[index]!.read()).value ?? "\n";
    return text.trim();
  };
  assertEquals(await Promise.all([line(0), line(1)]), ["ready", "ready"]);
  await Promise.all(inputs.map((input) => input.write(new TextEncoder().encode("go\n"))));
  const got: string[][] = (await Promise.all([line(0), line(1)])).map((text) => JSON.parse(text));
  await Promise.all(inputs.map((input) => input.close()));
  await Promise.all(outputs.map((output) => output.cancel()));
  for (const { status } of adopters) assertEquals((await status).code, 0);
  assertEquals(got.flat().sort(), names);
});
