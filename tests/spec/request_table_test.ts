import { assert, assertEquals } from "@std/assert";
import { readTargets } from "../../src/cli/read_targets.ts";
import { API_INTERFACES } from "../../src/domain/api_interface.ts";
import type { RequestedBlock } from "../../src/domain/block.ts";
import type { ApiFacts } from "../../src/domain/relay_request.ts";
import { matchCall } from "../../src/spec/api_facts.ts";
import { compileMatcher } from "../../src/spec/matcher.ts";
import { SpecSet } from "../../src/spec/spec_set.ts";
import { REQUEST_TABLE } from "./request_table.ts";

const ROWS = REQUEST_TABLE.trim().split("\n").map((line) => line.split(" | "));
const BLOCKS = new Map([[-1, "none"], [-2, "latest"], [-3, "earliest"], [-4, "pending"], [-5, "safe"], [
  -6,
  "finalized",
]]);

Deno.test("the table has a hundred requests over twenty chains, of every interface", () => {
  assert(ROWS.length >= 100, `${ROWS.length} requests`);
  for (const row of ROWS) assertEquals(row.length, 6, row.join(" | "));
  const callees = ROWS.map(([where]) => where!.split(" "));
  assert(new Set(callees.map(([chain]) => chain)).size >= 20);
  assertEquals(new Set(callees.map(([, apiInterface]) => apiInterface)), new Set<string>(API_INTERFACES));
});

Deno.test("every request of the table is billed and treated as it must be", () => {
  const specs = new SpecSet();
  const got = ROWS.map(([where, request]) => [where, request, ...outcomeOf(specs, where!, request!)].join(" | "));
  assertEquals(got, ROWS.map((row) => row.join(" | ")));
});

/** The last four columns of a row, as the code has them. */
function outcomeOf(specs: SpecSet, where: string, request: string): string[] {
  const [chain, interfaceName, ...circumstances] = where.split(" ");
  const { verb = "", at = "/", ask, head } = Object.fromEntries(circumstances.map((item) => item.split("=")));
  const apiInterface = API_INTERFACES.find((known) => known === interfaceName)!;
  const expansion = specs.expand(chain!);
  if (expansion.kind === "failure") return expansion.reasons.slice();
  const matcher = compileMatcher(expansion.spec, apiInterface);
  const read = readTargets(chain!, apiInterface, request, verb);
  if (matcher === undefined || read.kind === "mistake") return ["not supported"];
  const result = matchCall(matcher, read.targets, {
    extensions: ask === undefined ? [] : [ask],
    path: at,
    head: Number(head ?? 0),
    servesExtension: () => head !== undefined,
  });
  if (result.kind === "failure") return [result.error.message];
  const { api } = result;
  return [api.apiMethod, `${api.computeUnits}`, blockText(api.requestedBlock), flagsOf(api).join(" ") || "-"];
}

function blockText({ from, to }: RequestedBlock): string {
  const text = (block: number) => BLOCKS.get(block) ?? `${block}`;
  return from === to ? text(from) : `${text(from)}..${text(to)}`;
}

function flagsOf(api: ApiFacts): string[] {
  return [
    api.isDeterministic && "deterministic",
    api.isHanging && "hanging",
    api.isSubscription && "subscription",
    api.stateful !== 0 && `stateful=${api.stateful}`,
    api.addOn !== "" && `add-on=${api.addOn}`,
    api.internalPath !== "" && `to=${api.internalPath}`,
    ...[...api.extensions].sort(),
    api.timeoutMs > 0 && `timeout=${api.timeoutMs}`,
  ].filter((flag) => typeof flag === "string");
}
