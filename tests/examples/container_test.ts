import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import denoConfig from "../../deno.json" with { type: "json" };
import { longestStopMs, relayFlagsOf, stopTimes } from "../support/operator/command_line.ts";
import { only, readDockerfile } from "../support/operator/dockerfile.ts";
import { examplePath, exampleText, exampleYaml } from "../support/operator/examples.ts";
import { timeSpanMs } from "../support/operator/unit_file.ts";

const DOCKERFILE = await exampleText("container/Dockerfile");
const [BUILD, IMAGE] = readDockerfile(DOCKERFILE) as [never, never];
const ROOT = new URL("../../", import.meta.url).pathname;

interface Service {
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes: readonly string[];
  readonly stop_grace_period: string;
}

interface Compose {
  readonly services: Readonly<Record<"relay" | "collector", Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const COMPOSE = await exampleYaml<Compose>("container/compose.yaml");
const { relay, collector } = COMPOSE.services;

/** Flags of `deno run`, those about paths apart. */
function permissionsOf(words: readonly string[]): readonly string[] {
  return words.filter((word) => word.startsWith("--allow-") && !/^--allow-(?:read|write)/.test(word)).sort();
}

Deno.test("the image has the runtime that the tests run on, and the permissions of `deno task start`", async () => {
  const [, version] = /^ARG DENO_VERSION=(.*)$/m.exec(DOCKERFILE) ?? [];
  assert((await Deno.readTextFile(`${ROOT}.ci/run`)).includes(`VERSION=${version}\n`), version);
  const { words } = only(IMAGE, "ENTRYPOINT");
  assertEquals(permissionsOf(words), permissionsOf(denoConfig.tasks.start.split(" ")));
  assert(words.includes("--no-prompt") && !words.includes("-A"));
});

Deno.test("what runs without deno.json has of the runtime what the relay is tested with", async () => {
  const places = ["examples/container/Dockerfile", "examples/binary/head.sh", "examples/binary/compile.ts"];
  assert(denoConfig.unstable.length > 0);
  for (const place of [...places, "src/cli/processes/child_command.ts"]) {
    const text = await Deno.readTextFile(`${ROOT}${place}`);
    for (const feature of denoConfig.unstable) assert(text.includes(`--unstable-${feature}`), `${feature} in ${place}`);
  }
});

Deno.test("what the image is made of is there, and not ignored", async () => {
  const listed = (await exampleText("container/Dockerfile.dockerignore")).split("\n").filter((line) =>
    /^[^#]/.test(line)
  );
  assertEquals(listed[0], "*");
  const kept = new Set(listed.slice(1).map((line) => line.replace(/^!/, "")));
  const copied = readDockerfile(DOCKERFILE)[0]!.filter(({ name, options }) => name === "COPY" && !options["from"])
    .flatMap(({ words }) => words.slice(0, -1));
  assert(copied.length > 0);
  for (const path of copied) await Deno.stat(`${ROOT}${path}`);
  assertEquals(new Set(copied), kept);
  assertEquals(only(BUILD, "WORKDIR").words, ["/build"]);
});

Deno.test("compose starts a relay with flags that exist, and gives it the time that it needs to stop", async () => {
  const environment: Readonly<Record<string, string>> = { ...relay.environment, NODE_URL: "https://node.example" };
  const flags = await relayFlagsOf([examplePath("container/relay.yml")], environment);
  assert(timeSpanMs(relay.stop_grace_period) >= longestStopMs(flags) + 5_000, relay.stop_grace_period);
  assertStringIncludes(await exampleText("container/compose.yaml"), stopTimes(flags));
  const [name, port] = environment["RELAYMETER_USAGE_OTEL_ENDPOINT"]!.split(":");
  assertEquals([name, collector.environment["OTLP_LISTEN"]], ["collector", `0.0.0.0:${port}`]);
});

Deno.test("compose opens ports to the host alone, and all that it mounts is there", async () => {
  const folder = examplePath("container/");
  for (const port of relay.ports ?? []) assert(/^127\.0\.0\.1:\d+:\d+$/.test(port), port);
  assertEquals(collector.ports, undefined);
  const { context, dockerfile } = relay.build!;
  await Deno.stat(`${folder}${context}/${dockerfile}`);
  const named = new Set<string>();
  for (const volume of [...relay.volumes, ...collector.volumes]) {
    const [source = "", target = ""] = volume.split(":");
    assert(target.startsWith("/"), volume);
    if (source.startsWith(".")) await Deno.stat(`${folder}${source}`);
    else named.add(source);
  }
  assertEquals(named, new Set(Object.keys(COMPOSE.volumes)));
});

Deno.test("the collector is told what its configuration asks for, and loads files that are mounted", async () => {
  const texts = await Promise.all(["collector.yaml", "to_files.yaml"].map((name) => exampleText(`collector/${name}`)));
  for (const name of Object.keys(collector.environment)) {
    assert(texts.some((text) => text.includes(`\${env:${name}:-`)), name);
  }
  const mounted = collector.volumes.map((volume) => volume.split(":")[1]);
  for (const word of collector.command ?? []) assert(mounted.includes(word.replace(/^--config=/, "")), word);
});
