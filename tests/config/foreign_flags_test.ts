import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { RELAY_FLAGS } from "../../src/config/flags.ts";
import { IGNORED_FLAGS, OTHER_NAMES } from "../../src/config/foreign_flags.ts";
import { readCommandLine } from "../../src/config/parse_flags.ts";
import { resolveFlags } from "../../src/config/resolve_flags.ts";

function read(...args: readonly string[]) {
  const line = readCommandLine(args, RELAY_FLAGS, { otherNames: OTHER_NAMES, ignored: IGNORED_FLAGS });
  if (line.kind === "help") throw new Error("the help was asked for");
  return { ...line, ...resolveFlags(RELAY_FLAGS, [line.given]), mistakes: line.mistakes };
}

Deno.test("every flag that does nothing is accepted with its reason, and takes its value with it", () => {
  for (const [name, { takesValue, reason }] of Object.entries(IGNORED_FLAGS)) {
    assert(!Object.hasOwn(RELAY_FLAGS, name), `--${name} does something`);
    for (const args of takesValue ? [[`--${name}`, "x"], [`--${name}=x`]] : [[`--${name}`], [`--${name}=true`]]) {
      const { positionals, mistakes, warnings, given } = read("relay.yml", ...args, "--cache");
      assertEquals([[...positionals], [...mistakes], given.map((flag) => flag.name)], [["relay.yml"], [], ["cache"]]);
      assertEquals([...warnings], [`--${name} does nothing: ${reason}`]);
    }
  }
});

Deno.test("flags under other names are the same flags", () => {
  for (const name of Object.values(OTHER_NAMES)) assert(Object.hasOwn(RELAY_FLAGS, name), name);
  assertEquals(read("--log_level", "debug").values["log-level"], "debug");
  assertEquals(read("--log_level=trace").values["log-level"], "debug");
  assertEquals(read("--set-retry-count-on-node-error", "1").values["set-relay-retry-limit"], 1);
});

Deno.test("a start script of the ecosystem's router starts the relay", () => {
  const script = "relay.yml --geolocation 1 --log_level trace --debug-relays --from user1 --chain-id lava " +
    "--cache-be 127.0.0.1:20100 --allow-insecure-provider-dialing --use-static-spec ./specs " +
    "--metrics-listen-address :7779 --optimizer-qos-listen --provider-optimizer-availability-weight 0.3 " +
    "--cors-credentials true --limit-websocket-connection-idle-time 1200 --enable-periodic-probe-providers " +
    "--relays-health-enable=false --concurrent-providers 5 --gas-adjustment 1.5 --keyring-backend test";
  const { values, positionals, mistakes, warnings } = read(...script.split(" "));
  assertEquals([[...positionals], [...mistakes]], [["relay.yml"], []]);
  assertEquals(warnings.length, 8, warnings.join("\n"));
  assertEquals(values["metrics-listen-address"], { hostname: "0.0.0.0", port: 7779 });
  assertEquals(values["limit-websocket-connection-idle-time"], 1_200_000);
  assertEquals([values["cors-credentials"], values["relays-health-enable"], values["geolocation"]], [true, false, 1]);
});

Deno.test("a value of the wrong kind is a mistake of a real flag all the same, and so is an unknown flag", () => {
  assertStringIncludes(read("--chainid", "lava").mistakes.join(), '"--chainid"');
  const line = readCommandLine(["--from", "user1"], RELAY_FLAGS);
  assert(line.kind === "arguments" && line.mistakes.length === 1, "other commands don't know them");
});

Deno.test("a switch takes the word true or false behind it, and nothing else", () => {
  assertEquals(read("--cache", "false", "relay.yml").values.cache, false);
  const { values, positionals } = read("--cache", "relay.yml");
  assertEquals([values.cache, [...positionals]], [true, ["relay.yml"]]);
});
