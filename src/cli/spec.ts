import { choice, type Flag, integer, text } from "../config/flag_types.ts";
import { type FlagValues, SPEC_FLAGS } from "../config/flags.ts";
import { unknownName } from "../config/mistake.ts";
import { API_INTERFACES } from "../domain/api_interface.ts";
import type { ChainSpec } from "../domain/chain_spec.ts";
import { matchCall } from "../spec/api_facts.ts";
import { compileMatcher } from "../spec/matcher.ts";
import { verificationsOf } from "../spec/node_query.ts";
import type { SpecSet } from "../spec/spec_set.ts";
import type { ExitCode } from "./exit_code.ts";
import { type LoadedSpecs, loadSpecs, specFetchOptions } from "./load_specs.ts";
import { readTargets } from "./read_targets.ts";
import { refuse } from "./refuse.ts";
import { print } from "./terminal.ts";

/** How the command is used. */
export const SPEC_USAGE = "list | show CHAIN | price CHAIN INTERFACE REQUEST | validate FILE|DIR|URL ...";

/** The flags of the command. */
export const SPEC_COMMAND_FLAGS = {
  ...SPEC_FLAGS,
  "api-interface": choice(["", ...API_INTERFACES], "", "show: only the collections of this interface"),
  "verb": choice(["", "GET", "POST", "PUT", "PATCH", "DELETE"], "", "price: HTTP verb of a REST request; empty: GET"),
  "extension": text("NAME", "price: an extension that is asked for, such as archive"),
  "head": integer(
    0,
    0,
    Number.MAX_SAFE_INTEGER,
    "price: the newest block, for rules about the age of blocks; 0: not known",
  ),
} as const satisfies Record<string, Flag<unknown>>;

/** The values of the command's flags. */
export type SpecCommandFlags = FlagValues<typeof SPEC_COMMAND_FLAGS>;

const HELP = "relaymeter spec --help";

/** Shows chain specs. */
export async function spec(
  flags: SpecCommandFlags,
  [action, ...rest]: readonly string[],
  flagMistakes: readonly string[],
): Promise<ExitCode> {
  const sources = action === "validate" ? [...flags["use-static-spec"], ...rest] : flags["use-static-spec"];
  const loaded = await loadSpecs(sources, specFetchOptions(flags));
  const mistakes = [...flagMistakes, ...loaded.mistakes];
  if (mistakes.length > 0) return refuse(mistakes, HELP);
  switch (action) {
    case "list":
      return rest.length > 0 ? refuse(["spec list takes no further arguments"], HELP) : list(loaded);
    case "show":
      return rest.length === 1 ? show(loaded.specs, rest[0]!, flags) : refuse(["spec show takes one CHAIN"], HELP);
    case "price":
      return rest.length === 3
        ? price(loaded.specs, rest as [string, string, string], flags)
        : refuse(["spec price takes a CHAIN, an INTERFACE and a REQUEST"], HELP);
    case "validate":
      return rest.length > 0 ? validated(loaded) : refuse(["spec validate takes files, directories or URLs"], HELP);
    default:
      return refuse([unknownName("action of spec", action ?? "", ["list", "show", "price", "validate"])], HELP);
  }
}

/** One line for each spec: the interfaces with their number of APIs, what `skip-verifications` may name, the source. */
function list({ specs, sources }: LoadedSpecs): ExitCode {
  const rows = specs.indexes().map((index) => {
    const expansion = specs.expand(index);
    const [counts, checks] = expansion.kind === "spec"
      ? [countsOf(expansion.spec), checksOf(expansion.spec)]
      : [expansion.reasons.join("; "), ""];
    return [index, specs.specOf(index)!.name, counts, sources.get(index) ?? "built-in", checks];
  });
  const header = ["INDEX", "NAME", "INTERFACES (APIS)", "SOURCE", "VERIFICATIONS"];
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  for (const row of [header, ...rows]) {
    print(
      row.map((cell, column) => column === header.length - 1 ? cell : cell.padEnd(widths[column]!)).join("  ")
        .trimEnd(),
    );
  }
  return 0;
}

function countsOf(spec: ChainSpec): string {
  return API_INTERFACES.flatMap((apiInterface) => {
    const matcher = compileMatcher(spec, apiInterface);
    if (matcher === undefined) return [];
    const count = matcher.collections.reduce((sum, { apis }) => sum + apis.filter((api) => api.enabled).length, 0);
    return [`${apiInterface} (${count})`];
  }).join(", ");
}

/** Names of what nodes of the chain are verified by. */
function checksOf(spec: ChainSpec): string {
  const names = API_INTERFACES.flatMap((apiInterface) => {
    const matcher = compileMatcher(spec, apiInterface);
    return matcher === undefined ? [] : verificationsOf(matcher).map(({ name }) => name);
  });
  return [...new Set(names)].join(" ");
}

/** Prints an expanded spec as JSON. */
function show(specs: SpecSet, index: string, flags: SpecCommandFlags): ExitCode {
  const expanded = expand(specs, index);
  if (typeof expanded === "string") return refuse([expanded], HELP);
  const only = flags["api-interface"];
  const collections = expanded.api_collections.filter(({ collection_data }) =>
    only === "" || collection_data.api_interface === only
  );
  print(JSON.stringify({ ...expanded, api_collections: collections }, null, 2));
  return 0;
}

/** Prints what a request would be billed as. Nothing is sent anywhere. */
function price(
  specs: SpecSet,
  [index, interfaceName, request]: readonly [string, string, string],
  flags: SpecCommandFlags,
): ExitCode {
  const expanded = expand(specs, index);
  if (typeof expanded === "string") return refuse([expanded], HELP);
  const apiInterface = API_INTERFACES.find((known) => known === interfaceName);
  if (apiInterface === undefined) return refuse([unknownName("interface", interfaceName, API_INTERFACES)], HELP);
  const matcher = compileMatcher(expanded, apiInterface);
  if (matcher === undefined) return refuse([`${index} has no ${apiInterface}`], HELP);
  const read = readTargets(index, apiInterface, request, flags.verb);
  if (read.kind === "mistake") return refuse([`REQUEST: ${read.message}`], HELP);
  const matched = matchCall(matcher, read.targets, {
    extensions: flags.extension === "" ? [] : [flags.extension],
    path: read.path,
    head: flags.head,
    servesExtension: () => flags.head > 0,
  });
  if (matched.kind === "failure") return refuse([`REQUEST: ${matched.error.message}`], HELP);
  const { api } = matched;
  print(JSON.stringify(
    {
      chain: index,
      api_interface: apiInterface,
      api_method: api.apiMethod,
      cu: api.computeUnits,
      requested_block: api.requestedBlock,
      add_on: api.addOn,
      extensions: api.extensions,
      internal_path: api.internalPath,
      stateful: api.stateful,
      subscription: api.isSubscription,
      hanging: api.isHanging,
      deterministic: api.isDeterministic,
      timeout_ms: api.timeoutMs,
      is_batch: read.isBatch,
    },
    null,
    2,
  ));
  return 0;
}

/** The expanded spec, or why it can't be had. */
function expand(specs: SpecSet, index: string): ChainSpec | string {
  if (specs.specOf(index) === undefined) return unknownName("chain", index, specs.indexes());
  const expansion = specs.expand(index);
  return expansion.kind === "spec" ? expansion.spec : expansion.reasons.join("; ");
}

function validated({ sources, notes }: LoadedSpecs): ExitCode {
  for (const note of notes) print(`note: ${note}`);
  print(`${sources.size} spec${sources.size === 1 ? " is" : "s are"} good: ${[...sources.keys()].sort().join(", ")}`);
  return 0;
}
