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
