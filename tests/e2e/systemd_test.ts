import { assert, assertEquals } from "@std/assert";
import { Collector } from "../support/collector.ts";
import { writeConfig } from "../support/config.ts";
import { startCountingNode } from "../support/counting_node.ts";
import { expand, UnitFile, variablesOf } from "../support/operator/unit_file.ts";
import { hasDebianPackage } from "../support/prometheus.ts";
import { runCliWith, startRelay } from "../support/relay_process.ts";
import { tempFolder } from "../support/spool_files.ts";

const PATH = new URL("../../examples/systemd/relaymeter@.service", import.meta.url);
const TEXT = await Deno.readTextFile(PATH);

/** Highest exposure of 0 to 10 that systemd may find in the unit; below 2 it calls it safe. */
const MAX_EXPOSURE = 2;

async function analyze(...args: string[]): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command("systemd-analyze", { args, stdin: "null" }).output();
  return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

Deno.test("systemd takes the unit, and finds it shut off from what a relay does not need", async () => {
  if (!await hasDebianPackage("systemd", ["systemd-analyze"])) return;
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/relaymeter@eth1.service`;
    // systemd looks whether the program is there.
    await Deno.writeTextFile(path, TEXT.replaceAll("/usr/local/bin/relaymeter", Deno.execPath()));
    const verified = await analyze("verify", "--recursive-errors=no", path);
    assertEquals({ code: verified.code, text: verified.text }, { code: 0, text: "" });
    const { code, text } = await analyze("security", "--offline=true", "--no-pager", path);
    const [, exposure] = /Overall exposure level for \S+: ([\d.]+)/.exec(text) ?? [];
    assert(code === 0 && Number(exposure) <= MAX_EXPOSURE, text);
    // What is misspelt is no setting.
    await Deno.writeTextFile(path, TEXT.replace("ProtectSystem=strict", "ProtectSytem=strict"));
    assert((await analyze("verify", "--recursive-errors=no", path)).text.includes("ProtectSytem"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("two lives of the unit: what the collector did not take in the first, it has in the second, which reloads; a bad file is exit code 2", async () => {
  await using node = startCountingNode();
  await using config = await writeConfig([{ name: "node", url: node.url }]);
  await using collector = new Collector();
  await using state = await tempFolder();
  const unit = new UnitFile(TEXT);
  const specifiers = { instance: "eth1", hostname: "host", state: state.path };
  await Deno.mkdir(`${state.path}/${expand(unit.one("Service", "StateDirectory"), specifiers)}`, { recursive: true });
  const args = (path: string) =>
    expand(unit.one("Service", "ExecStart"), specifiers).split(" ").slice(2).map((word) =>
      word === "/etc/relaymeter/eth1.yml" ? path : word
    );
  const lines = unit.all("Service", "Environment").map((line) => expand(line, specifiers));
  const ownFile = [
    `RELAYMETER_USAGE_OTEL_ENDPOINT=${collector.url}`,
    "RELAYMETER_USAGE_OTEL_EXPORT_TIMEOUT=1s",
  ];
  const env = variablesOf([...lines, ...ownFile]);
  const ask = async (url: string) => {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_getBalance", params: ["acme", "latest"] });
    await (await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body })).body?.cancel();
  };

  collector.goAway();
  const first = await startRelay(args(config.path), { env });
  await ask(first.urls[0]!);
  first.kill("SIGTERM");
  assertEquals(await first.exited, 0);
  collector.comeBack();
  const second = await startRelay(args(config.path), { env });
  const [, signal] = /^\/bin\/kill -(\w+) \$MAINPID$/.exec(unit.one("Service", "ExecReload")) ?? [];
  second.kill(`SIG${signal}` as Deno.Signal);
  await second.logged(({ message }) => message === "the configuration has been reloaded");
  await ask(second.urls[0]!);
  await collector.until(({ records }) => records.length === 2);
  second.kill("SIGTERM");
  assertEquals(await second.exited, 0);
  const ids = collector.records.map(({ attributes }) => attributes["event_id"]?.[1]);
  assert(
    ids.every((id) => typeof id === "string" && /^host-eth1\/[^/]+\/1$/.test(id)) && new Set(ids).size === 2,
    ids.join(", "),
  );

  await Deno.writeTextFile(config.path, "endpoints: []");
  assertEquals((await runCliWith(["rpcsmartrouter", ...args(config.path)], env)).code, 2);
});

/** What the unit does to a process, by hand: a user of its own without any rights, and two folders to write to. */
const SANDBOX = `#!/bin/sh
exec unshare --mount sh -c '
  mount --bind "$STATE" "$STATE" && mount --bind "$CACHE_DIRECTORY" "$CACHE_DIRECTORY" &&
    mount -o remount,bind,ro / && umask "$UMASK" &&
    exec setpriv --reuid=61234 --regid=61234 --clear-groups --no-new-privs --bounding-set=-all "$PROGRAM" "$@"
' sh "$@"
`;

Deno.test("a packed program runs in what the unit leaves it: it unpacks into the one folder, and spools into the other", async () => {
  if (!(await new Deno.Command("unshare", { args: ["--mount", "true"] }).output()).success) {
    Deno.stderr.writeSync(new TextEncoder().encode("skipped: the unit's sandbox, because unshare is not permitted\n"));
    return;
  }
  await using node = startCountingNode();
  await using collector = new Collector();
  await using config = await writeConfig([{ name: "node", url: node.url }]);
  await using folder = await tempFolder();
  const unit = new UnitFile(TEXT);
  const specifiers = { instance: "eth1", hostname: "host", state: `${folder.path}/lib` };
  const folderOf = (base: string, name: string) =>
    `${folder.path}/${base}/${expand(unit.one("Service", name), specifiers)}`;
  const [state, cache] = [folderOf("lib", "StateDirectory"), folderOf("cache", "CacheDirectory")];
  for (const path of [state, cache]) {
    await Deno.mkdir(path, { recursive: true });
    await Deno.chown(path, 61234, 61234);
  }
  await Deno.chmod(folder.path, 0o755);
  await Deno.chmod(config.path, 0o644);
  const program = `${folder.path}/relaymeter`;
  const packed = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "pack", "--output", program],
    cwd: new URL("../../", import.meta.url).pathname,
  }).output();
  assertEquals(packed.code, 0, new TextDecoder().decode(packed.stderr));
  await Deno.writeTextFile(`${folder.path}/sandbox.sh`, SANDBOX, { mode: 0o755 });
  const env = {
    ...variablesOf(unit.all("Service", "Environment").map((line) => expand(line, specifiers))),
    RELAYMETER_USAGE_OTEL_ENDPOINT: collector.url,
    CACHE_DIRECTORY: cache,
    STATE: state,
    UMASK: unit.one("Service", "UMask"),
    PROGRAM: program,
    HOME: "/",
  };
  await using relay = await startRelay([config.path], { program: `${folder.path}/sandbox.sh`, env });
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_getBalance", params: ["acme", "latest"] });
  const headers = { "content-type": "application/json" };
  const response = await fetch(relay.urls[0]!, { method: "POST", headers, body });
  assertEquals((await response.json()).result, "0x1");
  await collector.until(({ records }) => records.length === 1);
  assertEquals([...Deno.readDirSync(cache)].map(({ name }) => name), ["relaymeter-61234"]);
  assert([...Deno.readDirSync(state)].length > 0);
  relay.kill("SIGTERM");
  assertEquals(await relay.exited, 0);
});
