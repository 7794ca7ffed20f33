/** The relay in one file: packed, copied to an empty folder, and run there, by a user who has nothing else. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { freePort } from "../support/free_port.ts";
import { startReceiver } from "../support/receiver.ts";
import { startRedis } from "../support/redis.ts";
import { startRelay } from "../support/relay_process.ts";
import { mountTmpfs } from "../support/spool_mount.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Where a packed file is: an empty folder but for it, and an empty home. */
interface Place extends AsyncDisposable {
  readonly folder: string;
  readonly file: string;
  readonly home: string;
  /** Runs it to its end, with no environment but a home. */
  run(args: readonly string[], env?: Record<string, string>): Promise<{ code: number; out: string; err: string }>;
}

let packed: Promise<Uint8Array<ArrayBuffer>> | undefined;

/** The file, packed once for all tests. */
async function pack(): Promise<Uint8Array<ArrayBuffer>> {
  const folder = await Deno.makeTempDir();
  try {
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["task", "--quiet", "pack", "--output", `${folder}/relaymeter.run`],
      cwd: ROOT,
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    assertStringIncludes(new TextDecoder().decode(stdout), " MiB");
    return await Deno.readFile(`${folder}/relaymeter.run`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function place(): Promise<Place> {
  const bytes = await (packed ??= pack());
  const folder = await Deno.makeTempDir();
  const home = await Deno.makeTempDir();
  const file = `${folder}/relaymeter`;
  await Deno.writeFile(file, bytes, { mode: 0o755 });
  return {
    folder,
    file,
    home,
    async run(args, env = {}) {
      const { code, stdout, stderr } = await new Deno.Command(file, {
        args: [...args],
        cwd: folder,
        clearEnv: true,
        env: { PATH: Deno.env.get("PATH") ?? "", HOME: home, ...env },
        stdin: "null",
      }).output();
      return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([Deno.remove(folder, { recursive: true }), Deno.remove(home, { recursive: true })]);
    },
  };
}

const unpackedIn = (cache: string) => `${cache}/relaymeter-${Deno.uid()}`;

/** Names of the files that were unpacked, and when. */
async function filesIn(folder: string): Promise<{ name: string; mtime: number | undefined; mode: number }[]> {
  const files = [];
  for await (const { name, isFile } of Deno.readDir(folder)) {
    const { mtime, mode } = await Deno.stat(`${folder}/${name}`);
    if (isFile) files.push({ name: name.replace(/^\w+-/, ""), mtime: mtime?.getTime(), mode: (mode ?? 0) & 0o777 });
  }
  return files.sort((a, b) => a.name < b.name ? -1 : 1);
}

Deno.test("it unpacks itself once, into a folder that is the user's alone, and leaves nothing beside itself", async () => {
  await using packed = await place();
  const first = await packed.run(["--help"]);
  assertEquals([first.code, first.err], [0, ""]);
  assertStringIncludes(first.out, "Usage: relaymeter COMMAND");
  const folder = unpackedIn(`${packed.home}/.cache`);
  assertEquals((await Deno.stat(folder)).mode! & 0o777, 0o700);
  const files = await filesIn(folder);
  assertEquals(files.map(({ name, mode }) => [name, mode]), [["deno", 0o700], ["relaymeter.js", 0o700]]);
  assertEquals((await packed.run(["spec", "list"])).code, 0);
  assertEquals(await filesIn(folder), files, "the second start finds them");
  assertEquals([...Deno.readDirSync(packed.folder)].map(({ name }) => name), ["relaymeter"]);
});

Deno.test("it relays, meters, keeps a cache in Redis, and ends in order", async () => {
  await using packed = await place();
  await using collector = startReceiver();
  await using redis = await startRedis();
  await using node = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { id } = await request.json();
    return Response.json({ jsonrpc: "2.0", id, result: "0x1" });
  });
  const flags = ["--upstream", `http://127.0.0.1:${node.addr.port}`, "--usage-otel-enabled"];
  if (redis !== undefined) flags.push("--cache", `--cache-redis-url=${redis.url}`);
  await using relay = await startRelay(
    ["127.0.0.1:0", "ETH1", "jsonrpc", ...flags, `--usage-otel-endpoint=${collector.url}`],
    { program: packed.file, cwd: packed.folder, env: { HOME: packed.home, XDG_CACHE_HOME: "" } },
  );
  const call = async () => {
    const response = await fetch(relay.urls[0]!, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"jsonrpc":"2.0","id":"x","method":"eth_chainId"}',
    });
    return await response.text();
  };
  assertEquals(await call(), '{"jsonrpc":"2.0","id":"x","result":"0x1"}');
  await collector.waitFor(1);
  // What has been written is found soon, though nobody waits for it.
  for (let calls = 1; redis !== undefined && collector.records.at(-1)?.attributes["cache_hit"] !== true; calls++) {
    assert(calls < 20, "nothing comes from the cache");
    await call();
    await collector.waitFor(calls + 1);
  }
  relay.kill("SIGTERM");
  assertEquals(await relay.exited, 0);
});

Deno.test("it keeps a store, in a worker of its own program, and reads configuration files", async () => {
  await using packed = await place();
  await using relay = await startRelay(
    ["127.0.0.1:0", "ETH1", "jsonrpc", "--upstream", "http://127.0.0.1:1", "--usage-store", "usage.db"],
    { program: packed.file, cwd: packed.folder, env: { HOME: packed.home, XDG_CACHE_HOME: "" } },
  );
  await (await fetch(`${relay.urls[0]}`, {
    method: "POST",
    headers: { "content-type": "application/json", "project-id": "acme" },
    body: '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}',
  })).text();
  relay.kill("SIGTERM");
  assertEquals(await relay.exited, 0);
  const report = await packed.run(["usage", "report", "usage.db", "--by", "project", "--format", "csv"]);
  assertEquals(report.code, 0, report.err);
  assertStringIncludes(report.out, "acme");
  const validated = await packed.run(["validate", `${ROOT}examples/relay.yml`]);
  assertEquals([validated.code, validated.err], [0, ""]);
});

Deno.test("it starts itself again for --processes", async () => {
  await using packed = await place();
  await using relay = await startRelay(
    [`127.0.0.1:${freePort()}`, "ETH1", "jsonrpc", "--upstream", "http://127.0.0.1:1", "--processes=2"],
    { program: packed.file, cwd: packed.folder, env: { HOME: packed.home, XDG_CACHE_HOME: "" }, listeners: 2 },
  );
  assertEquals(relay.urls[0], relay.urls[1]);
  const health = await fetch(`${relay.urls[0]}/lava/health`);
  assertEquals(await health.text(), "Health status OK");
  relay.kill("SIGTERM");
  assertEquals(await relay.exited, 0);
});

Deno.test("first starts at once do not get in each other's way", async () => {
  await using packed = await place();
  const runs = await Promise.all(Array.from({ length: 4 }, () => packed.run(["--help"])));
  assertEquals(runs.map(({ code, err }) => [code, err]), Array(4).fill([0, ""]));
  assertEquals((await filesIn(unpackedIn(`${packed.home}/.cache`))).map(({ name }) => name), ["deno", "relaymeter.js"]);
});

Deno.test("a folder that is a link, or can't be written to, is not used", async () => {
  await using packed = await place();
  const elsewhere = `${packed.home}/elsewhere`;
  await Deno.mkdir(elsewhere);
  await Deno.mkdir(`${packed.home}/cache`);
  await Deno.symlink(elsewhere, unpackedIn(`${packed.home}/cache`));
  assertEquals((await packed.run(["--help"], { XDG_CACHE_HOME: `${packed.home}/cache` })).code, 0);
  assertEquals([...Deno.readDirSync(elsewhere)], []);
  assertEquals((await filesIn(unpackedIn(`${packed.home}/.cache`))).length, 2);
  const nowhere = { HOME: "/dev/null", XDG_CACHE_HOME: "/proc", TMPDIR: "/dev/null" };
  const { code, err } = await packed.run(["--help"], nowhere);
  assertEquals(code, 1);
  assertStringIncludes(err, "there is no folder to unpack into; set XDG_CACHE_HOME");
});

Deno.test("a full disk and a file that is not whole are told, and leave nothing behind", async () => {
  await using packed = await place();
  await using small = await mountTmpfs("size=8m");
  if (small !== undefined) {
    const { code, err } = await packed.run(["--help"], { XDG_CACHE_HOME: small.path });
    assertEquals(code, 1);
    assertStringIncludes(err, "is the disk full");
    assertEquals([...Deno.readDirSync(unpackedIn(small.path))].map(({ name }) => name), []);
  }
  await Deno.truncate(packed.file, 1_000_000);
  const { code, err } = await packed.run(["--help"]);
  assertEquals(code, 1);
  assertStringIncludes(err, "or the file not whole");
});
