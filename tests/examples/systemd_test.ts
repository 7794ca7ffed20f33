import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { longestStopMs, relayFlagsOf, stopTimes } from "../support/operator/command_line.ts";
import { examplePath, exampleText } from "../support/operator/examples.ts";
import { expand, timeSpanMs, UnitFile, variablesOf } from "../support/operator/unit_file.ts";

const TEXT = await exampleText("systemd/relaymeter@.service");
const UNIT = new UnitFile(TEXT);
const EXAMPLE = examplePath("relay.yml");
const SPECIFIERS = { instance: "eth1", hostname: "host", state: "/var/lib" };

/** What the unit starts a relay with, the configuration file being the example. */
async function flagsOfUnit() {
  const [program, command, file, ...others] = expand(UNIT.one("Service", "ExecStart"), SPECIFIERS).split(" ");
  assertEquals([program, command, file], [
    "/usr/local/bin/relaymeter",
    "rpcsmartrouter",
    "/etc/relaymeter/eth1.yml",
  ]);
  const lines = UNIT.all("Service", "Environment").map((value) => expand(value, SPECIFIERS));
  return await relayFlagsOf([EXAMPLE, ...others], variablesOf(lines));
}

Deno.test("the unit starts a relay with flags that exist, and its events outlive it", async () => {
  const flags = await flagsOfUnit();
  assert(flags["usage-otel-enabled"] && flags["usage-otel-extended"]);
  assertEquals(flags["usage-otel-service-instance-id"], "host-eth1");
  assertEquals(flags["usage-spool-dir"], `/var/lib/${expand(UNIT.one("Service", "StateDirectory"), SPECIFIERS)}`);
});

Deno.test("the unit gives a relay the time that it needs to stop", async () => {
  const ms = timeSpanMs(UNIT.one("Service", "TimeoutStopSec"));
  const flags = await flagsOfUnit();
  assert(ms >= longestStopMs(flags) + 5_000, `${ms} ms`);
  assertStringIncludes(TEXT, stopTimes(flags));
});

Deno.test("wrong usage is not tried again, everything else is, but not for ever", () => {
  assertEquals(UNIT.one("Service", "Restart"), "on-failure");
  assertEquals(UNIT.one("Service", "RestartPreventExitStatus"), "2");
  const restarts = timeSpanMs(UNIT.one("Unit", "StartLimitIntervalSec")) /
    timeSpanMs(UNIT.one("Service", "RestartSec"));
  assert(Number(UNIT.one("Unit", "StartLimitBurst")) < restarts, "the limit of starts can be reached");
});
