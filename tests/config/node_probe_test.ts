import { assert, assertEquals } from "@std/assert";
import { codecOf } from "../../src/config/http_options.ts";
import { createNodeProbe, type NodeProbeDeps } from "../../src/config/node_probe.ts";
import { createTextWording } from "../../src/config/node_wording.ts";
import type { ApiInterface } from "../../src/domain/api_interface.ts";
import type { NodeRequest } from "../../src/domain/wire.ts";
import type { SendResult } from "../../src/providers/transport.ts";
import { compileMatcher } from "../../src/spec/matcher.ts";
import { SpecSet } from "../../src/spec/spec_set.ts";
import { failure } from "../../src/domain/relay_error.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { candidateOf, providerOf, urlOf } from "../support/providers.ts";
import { nodeReply } from "../support/wire.ts";

const SPECS = new SpecSet();

/** What questions of a chain are asked with; nodes answer with `reply`. */
function depsOf(
  chain: string,
  apiInterface: ApiInterface,
  reply: SendResult = { kind: "reply", reply: nodeReply("{}") },
): { deps: NodeProbeDeps; sent: NodeRequest[] } | undefined {
  const expansion = SPECS.expand(chain);
  assert(expansion.kind === "spec");
  const matcher = compileMatcher(expansion.spec, apiInterface);
  const codec = codecOf(apiInterface, { chainId: chain, providers: [] });
  if (matcher === undefined || codec === undefined) return undefined;
  const sent: NodeRequest[] = [];
  const transport = {
    send: (_url: unknown, request: NodeRequest) => {
      sent.push(request);
      return Promise.resolve(reply);
    },
  };
  const wording = createTextWording(codec, apiInterface);
  return { deps: { chain, apiInterface, wording, matcher, transport, clock: new FakeClock() }, sent };
}

const textOf = ({ body }: NodeRequest) => body === null ? "" : new TextDecoder().decode(body);
const NEVER = new AbortController().signal;
const result = (value: unknown) => JSON.stringify({ jsonrpc: "2.0", id: 1, result: value });

/** Chain, interface, what a node says, and the block that is read out of it. */
const HEADS: readonly (readonly [string, ApiInterface, string, string])[] = [
  ["ETH1", "jsonrpc", result("0x1b4"), "436"],
  ["COSMOSHUB", "rest", '{"block":{"header":{"height":"123"}}}', "123"],
  ["COSMOSHUB", "tendermintrpc", result({ sync_info: { latest_block_height: "99" } }), "99"],
];

for (const [chain, apiInterface, answer, text] of HEADS) {
  Deno.test(`the newest block of ${chain} is asked for over ${apiInterface}`, async () => {
    const reply = nodeReply(answer);
    const { deps, sent } = depsOf(chain, apiInterface, { kind: "reply", reply })!;
    const question = createNodeProbe(deps).newestBlock!;
    const found = await question.ask(candidateOf(providerOf("a")), NEVER);
    assertEquals([found.kind, found.text, found.sample?.kind], ["value", text, "answered"]);
    assertEquals(sent.length, 1);
    assertEquals(sent[0]!.verb, apiInterface === "rest" ? "GET" : "POST");
  });
}

/** What a node does, what that is as an answer, and what it says about the node. */
const REPLIES: readonly (readonly [string, SendResult, string, string | undefined])[] = [
  ["an error that all nodes would give", rpc({ code: -32601, message: "method not found" }), "refusal", "answered"],
  ["that it is not in sync", rpc({ code: -32000, message: "header not found" }), "refusal", "answered"],
  ["429", { kind: "reply", reply: { ...nodeReply(""), status: 429, retryAfterMs: 7 } }, "unknown", "rate_limited"],
  ["HTML", { kind: "reply", reply: nodeReply("<html>") }, "unknown", "failed"],
  ["a block that is none", { kind: "reply", reply: nodeReply(result("soon")) }, "refusal", "answered"],
  ["null", { kind: "reply", reply: nodeReply(result(null)) }, "refusal", "answered"],
  ["nothing", failure("upstream_unreachable", "connection refused"), "unknown", "failed"],
];

function rpc(error: unknown): SendResult {
  return { kind: "reply", reply: nodeReply(JSON.stringify({ jsonrpc: "2.0", id: 1, error })) };
}

for (const [what, reply, kind, sample] of REPLIES) {
  Deno.test(`a node that says ${what} when it is asked for its newest block`, async () => {
    const { deps } = depsOf("ETH1", "jsonrpc", reply)!;
    const found = await createNodeProbe(deps).newestBlock!.ask(candidateOf(providerOf("a")), NEVER);
    assertEquals([found.kind, found.sample?.kind], [kind, sample]);
  });
}

Deno.test("what nodes of Ethereum are held to, and the block that a question is about", async () => {
  const { deps, sent } = depsOf("ETH1", "jsonrpc", { kind: "reply", reply: nodeReply(result("0x1")) })!;
  const checks = createNodeProbe(deps).checks;
  const chainId = checks.find(({ name }) => name === "chain-id")!;
  assertEquals([chainId.expectedValue, chainId.services, chainId.isFatal], ["0x1", [], true]);
  assertEquals((await chainId.question.ask(candidateOf(providerOf("a")), NEVER)).text, "0x1");
  assertEquals(JSON.parse(textOf(sent[0]!)).method, "eth_chainId");
  const archive = checks.find(({ name, services }) => name === "pruning" && services.includes("archive"));
  assertEquals([archive?.expectedValue, archive?.latestDistance], ["0x0", 0]);

  const near = depsOf("NEAR", "jsonrpc", { kind: "reply", reply: nodeReply(result({})) })!;
  const pruning = createNodeProbe(near.deps).checks.find(({ name }) => name === "pruning")!;
  assertEquals([pruning.isAboutBlock, pruning.latestDistance], [true, 64_800]);
  await pruning.question.ask(candidateOf(providerOf("a")), NEVER, 1_234_567);
  assert(textOf(near.sent[0]!).includes("1234567"), textOf(near.sent[0]!));
});

Deno.test("URLs that serve another path are not asked", () => {
  const { deps } = depsOf("ETH1", "jsonrpc")!;
  const at = (internalPath: string) => candidateOf(providerOf("a", { nodeUrls: [urlOf({ internalPath })] }));
  const question = createNodeProbe(deps).newestBlock!;
  assertEquals([question.fits(at("")), question.fits(at("/C/rpc"))], [true, false]);
});

Deno.test("every chain that ships says how its newest block is asked for", () => {
  const silent: string[] = [];
  for (const chain of SPECS.indexes()) {
    if (!SPECS.specOf(chain)?.enabled) continue;
    for (const apiInterface of ["jsonrpc", "tendermintrpc", "rest"] as const) {
      const setting = depsOf(chain, apiInterface);
      if (setting !== undefined && createNodeProbe(setting.deps).newestBlock === undefined) {
        silent.push(`${chain} ${apiInterface}`);
      }
    }
  }
  assertEquals(silent, []);
});
