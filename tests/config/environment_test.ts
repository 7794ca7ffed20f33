import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Environment, flagsOfEnvironment, unknownVariables, variableOf } from "../../src/config/environment.ts";
import { RELAY_FLAGS } from "../../src/config/flags.ts";
import { parseFlags } from "../../src/config/parse_flags.ts";
import { describeSource } from "../../src/config/source.ts";

function environmentOf(variables: Readonly<Record<string, string>>): Environment {
  return { get: (name) => variables[name], names: () => Object.keys(variables) };
}

function parse(variables: Readonly<Record<string, string>>, ...args: readonly string[]) {
  const parsed = parseFlags(args, RELAY_FLAGS, [flagsOfEnvironment(RELAY_FLAGS, environmentOf(variables))]);
  if (parsed.kind !== "flags") throw new Error("the help was asked for");
  return parsed;
}

/** A value for each kind of flag that is not its default. */
function otherValue(name: keyof typeof RELAY_FLAGS): string {
  const { initial, kind, placeholder, parse } = RELAY_FLAGS[name];
  if (kind === "switch") return String(!initial);
  if (kind === "list") return "x";
  const candidates = ["1", "2", "1048577", "5m", "1h", "1s", "0.5", "127.0.0.1:1", ...placeholder.split("|"), "x"];
  const found = candidates.find((text) => parse(text) !== undefined && String(parse(text)) !== String(initial));
  if (found === undefined) throw new Error(`no other value for ${name}`);
  return found;
}

Deno.test("every flag has a variable, which sets it and nothing else", () => {
  const defaults = parse({}).values;
  const names = Object.keys(RELAY_FLAGS) as (keyof typeof RELAY_FLAGS)[];
  assertEquals(new Set(names.map(variableOf)).size, names.length);
  for (const name of names) {
    const text = otherValue(name);
    const { values, sources, mistakes } = parse({ [variableOf(name)]: text });
    assertEquals([...mistakes], [], name);
    assertEquals(values, { ...defaults, [name]: RELAY_FLAGS[name].parse(text) }, name);
    assertEquals(describeSource(sources[name]), `env ${variableOf(name)}`);
  }
  assertEquals(variableOf("usage-otel-enabled"), "RELAYMETER_USAGE_OTEL_ENABLED");
});

Deno.test("a flag takes precedence over its variable, and that is noted", () => {
  const { values, sources, overridden, mistakes } = parse({ RELAYMETER_LOG_LEVEL: "warn" }, "--log-level=debug");
  assertEquals(values["log-level"], "debug");
  assertEquals(describeSource(sources["log-level"]), "flag --log-level");
  assertEquals(describeSource(sources["cache"]), "default");
  assertEquals([...overridden], ["RELAYMETER_LOG_LEVEL is not used: --log-level takes precedence"]);
  assertEquals([...mistakes], []);
});

Deno.test("a flag takes precedence over its variable where it says the default again", () => {
  assertEquals(parse({ RELAYMETER_CACHE: "true" }, "--cache=false").values.cache, false);
});

Deno.test("a variable for a flag that can be repeated holds several values", () => {
  const upstreamsOf = (text: string) => [...parse({ RELAYMETER_UPSTREAM: text }).values.upstream];
  assertEquals(upstreamsOf("http://a, http://b,"), ["http://a", "http://b"]);
  assertEquals(upstreamsOf("http://a?x=1,2\nhttp://b\n"), ["http://a?x=1,2", "http://b"]);
});

Deno.test("an empty variable is as good as none", () => {
  for (const text of ["", "  "]) {
    const { values, sources, mistakes } = parse({ RELAYMETER_CORS_ORIGIN: text, RELAYMETER_CACHE: text });
    assertEquals([values["cors-origin"], values.cache, mistakes.length], ["*", false, 0]);
    assertEquals(describeSource(sources["cors-origin"]), "default");
  }
});

Deno.test("a wrong value names the variable, the value and what is allowed; all at once, used or not", () => {
  const { mistakes } = parse(
    { RELAYMETER_LOG_LEVEL: "loud", RELAYMETER_CACHE: "yes", RELAYMETER_SHUTDOWN_GRACE: "5" },
    "--cache",
    "--log-levle=x",
  );
  assertEquals(mistakes.length, 4, mistakes.join("\n"));
  const all = mistakes.join("\n");
  assertStringIncludes(all, 'RELAYMETER_LOG_LEVEL: "loud" is not debug, info, warn, error');
  assertStringIncludes(all, 'RELAYMETER_CACHE: "yes" is not true or false');
  assertStringIncludes(all, 'RELAYMETER_SHUTDOWN_GRACE: "5" is not a duration');
  assertStringIncludes(all, "did you mean --log-level?");
});

Deno.test("variables that stand for no flag are told, with the nearest name and without their value", () => {
  const lines = unknownVariables(
    Object.keys(RELAY_FLAGS),
    environmentOf({
      RELAYMETER_USAGE_OTEL_ENABLE: "K3Y",
      RELAYMETER_FROBNICATE: "K3Y",
      RELAYMETER_CACHE: "true",
      PATH: "/bin",
    }),
  );
  assertEquals(lines, [
    "the environment variable RELAYMETER_FROBNICATE is not known and not used",
    "the environment variable RELAYMETER_USAGE_OTEL_ENABLE is not known and not used; " +
    "did you mean RELAYMETER_USAGE_OTEL_ENABLED?",
  ]);
});
