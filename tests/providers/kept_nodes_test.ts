import { assert, assertEquals } from "@std/assert";
import { keepNodes } from "../../src/providers/kept_nodes.ts";
import type { OptimizerSelector } from "../../src/providers/optimizer_selector.ts";
import type { Provider } from "../../src/providers/provider.ts";
import { apiFacts } from "../support/engine.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { candidateOf, providerOf, selectorOf, sharesOf, urlOf } from "../support/providers.ts";

const at = (target: string, changes = {}) => urlOf({ target, ...changes });

Deno.test("a URL that stays as it is is the same object; one that is used otherwise keeps its health; others are new", () => {
  const [same, other, gone] = [at("https://a/"), at("https://b/", { addOns: new Set(["debug"]) }), at("https://c/")];
  const previous = [providerOf("p", { nodeUrls: [same, other, gone], socketUrls: [at("wss://a/")] })];
  const [kept, renamed] = keepNodes(previous, [
    providerOf("p", {
      isBackup: true,
      nodeUrls: [at("https://b/"), at("https://a/"), at("https://d/")],
      socketUrls: [at("wss://a/")],
    }),
    providerOf("q", { nodeUrls: [at("https://a/")] }),
  ]) as [Provider, Provider];
  const [b, a, d] = kept.nodeUrls;
  assert(a === same, "nothing has changed");
  assert(b !== other && b!.health === other.health && b!.addOns.size === 0, "its health is kept, and no more");
  assert(d!.health !== gone.health && renamed.nodeUrls[0]!.health !== same.health, "others are new");
  assert(kept.socketUrls[0] === previous[0]!.socketUrls[0] && kept.isBackup, "the provider is the new one");
  const keyed = keepNodes(previous, [providerOf("p", { nodeUrls: [at("https://a/", { headers: [["x-key", "1"]] })] })]);
  assert(keyed[0]!.nodeUrls[0] !== same, "another key is another way to use it");
});

function answer(selector: OptimizerSelector, provider: Provider, latencyMs: number): void {
  selector.report(candidateOf(provider), { kind: "answered", latencyMs }, apiFacts());
}

Deno.test("a selector goes on with the scores and blocks of providers with the same name and URLs", async () => {
  const clock = new FakeClock();
  const [a, b, c] = ["a", "b", "c"].map((name) => providerOf(name, { nodeUrls: [at(`https://${name}/`)] })) as [
    Provider,
    Provider,
    Provider,
  ];
  const before = selectorOf([a, b, c], clock);
  for (let i = 0; i < 50; i++) {
    answer(before, a, 20);
    answer(before, b, 900);
    await clock.advance(1_000);
  }
  before.see({ provider: a }, 100);
  before.see({ provider: b }, 98);
  const moved = providerOf("b", { nodeUrls: [at("https://elsewhere/")] });
  const [d, keptA] = [providerOf("d"), keepNodes([a], [providerOf("a", { nodeUrls: [at("https://a/")] })])[0]!];
  const after = selectorOf([d, moved, keptA], clock);
  after.adopt(before);
  assertEquals([after.head(), after.headOf("a"), after.headOf("b"), after.headOf("d")], [100, 100, 0, 0]);
  assertEquals([after.scoresOf("b"), after.scoresOf("d")], [undefined, undefined], "moved, and new");
  assertEquals(after.scoresOf("a")?.selectionLatency, before.scoresOf("a")?.selectionLatency);

  const availability = () => after.scoresOf("a")!.selectionAvailability;
  const known = availability();
  before.report(candidateOf(a), { kind: "failed" }, apiFacts());
  await clock.advance(200);
  assert(availability() < known, "what ends under the old configuration still counts");
  assertEquals(Object.keys(sharesOf(after, 200)).sort(), ["b", "d"], "and its node is left alone");
});
