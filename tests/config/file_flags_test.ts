import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { flagsOfFile, ignoredInFile } from "../../src/config/file_flags.ts";
import { RELAY_FLAGS, type RelayFlags } from "../../src/config/flags.ts";
import { IGNORED_FLAGS } from "../../src/config/foreign_flags.ts";
import { parseConfigText } from "../../src/config/parse_document.ts";
import { resolveFlags } from "../../src/config/resolve_flags.ts";
import { describeSource } from "../../src/config/source.ts";
import { GOOD, mistakesIn } from "../support/config_text.ts";

function resolve(text: string, variables: Readonly<Record<string, string>> = {}) {
  return resolveFlags(RELAY_FLAGS, [flagsOfFile(parseConfigText(text, (name) => variables[name]), "relay.yml")]);
}

/** A line of a file, and the flag that it sets. */
const LINES: readonly (readonly [string, Partial<RelayFlags>])[] = [
  ['metrics-listen-address: ":7779"', { "metrics-listen-address": { hostname: "0.0.0.0", port: 7779 } }],
  ["log-level: warn", { "log-level": "warn" }],
  ["log-level: trace", { "log-level": "debug" }],
  ["cache: true", { "cache": true }],
  ["response-compression: off", { "response-compression": "off" }],
  ["max-batch-request-size: 7", { "max-batch-request-size": 7 }],
  ["strategy: latency", { "strategy": "latency" }],
  ["provider-optimizer-latency-weight: 0.7", { "provider-optimizer-latency-weight": 0.7 }],
  ["shutdown-grace: 1m30s", { "shutdown-grace": 90_000 }],
  ["limit-websocket-connection-idle-time: 1200", { "limit-websocket-connection-idle-time": 1_200_000 }],
  ["limit-websocket-connection-idle-time: 5m", { "limit-websocket-connection-idle-time": 300_000 }],
  ["use-static-spec: ./specs", { "use-static-spec": ["./specs"] }],
  ["trusted-proxy: [10.0.0.0/8, 127.0.0.1]", { "trusted-proxy": ["10.0.0.0/8", "127.0.0.1"] }],
  ['usage-otel-headers: "a=b,c=d"', { "usage-otel-headers": "a=b,c=d" }],
];

for (const [line, expected] of LINES) {
  Deno.test(`${line} in a file sets the flag`, () => {
    assertEquals(mistakesIn(`${GOOD}${line}\n`), []);
    const { values, sources, mistakes } = resolve(`${GOOD}${line}\n`);
    assertEquals([...mistakes], []);
    assertEquals(values, { ...resolve(GOOD).values, ...expected });
    const [name] = Object.keys(expected) as (keyof RelayFlags)[];
    assertEquals(describeSource(sources[name!]), "relay.yml:21");
  });
}

/** Lines that are no value of their flag, whoever finds it out. */
const WRONG: readonly string[] = [
  "log-level: loud",
  "cache: yes",
  'cache: "true"',
  "max-batch-request-size: many",
  'max-batch-request-size: "7"',
  "max-batch-request-size: 1.5",
  "max-batch-request-size: -1",
  "shutdown-grace: 5",
  "shutdown-grace: 2h",
  "metrics-listen-address: 7779",
  "metrics-listen-address: localhost",
  "strategy: [latency]",
  "usage-otel-service-name: 5",
  "use-static-spec: [1]",
  'trusted-proxy: ""',
  "hedge-quantile: 1",
  "rate-limit-websocket-requests-per-connection: -2",
];

for (const line of WRONG) {
  Deno.test(`${line} in a file is refused at its line, once`, () => {
    const text = `${GOOD}${line}\n`;
    const found = [...mistakesIn(text).map((mistake) => `relay.yml: ${mistake}`), ...resolve(text).mistakes];
    assertEquals(found.length, 1, found.join("\n"));
    assertStringIncludes(found[0]!, `relay.yml: line 21, ${line.split(":")[0]}`);
  });
}

Deno.test("a file names its providers by itself", () => {
  assertStringIncludes(mistakesIn(`${GOOD}upstream: [http://a]\n`).join(), '"upstream"');
});

Deno.test("a wrong value that a variable holds is not shown", () => {
  const { mistakes } = resolve(`${GOOD}shutdown-grace: \${GRACE}\n`, { GRACE: "99h" });
  assertEquals(mistakes.length, 1);
  assert(!mistakes[0]!.includes("99h"), mistakes[0]);
});

Deno.test("a variable sets a flag of any kind", () => {
  const text = `${GOOD}cache: \${CACHE}\nmax-batch-request-size: \${SIZE}\nshutdown-grace: \${GRACE}\n`;
  const { values, mistakes } = resolve(text, { CACHE: "true", SIZE: "3", GRACE: "1s" });
  assertEquals([...mistakes], []);
  assertEquals([values.cache, values["max-batch-request-size"], values["shutdown-grace"]], [true, 3, 1_000]);
});

Deno.test("members that are flags of the ecosystem's router and do nothing are told, and are no mistakes", () => {
  for (const name of Object.keys(IGNORED_FLAGS)) {
    const text = `${GOOD}${name}: x\n`;
    assertEquals(mistakesIn(text), [], name);
    assertEquals(ignoredInFile(parseConfigText(text), "relay.yml").length, 1, name);
  }
});
