/** What it costs to choose among 50 providers, and to take in how it went. */
import { systemClock } from "../../mod.ts";
import { apiFacts } from "../../tests/support/engine.ts";
import { candidateOf, providerOf, selectionOf, selectorOf } from "../../tests/support/providers.ts";

const providers = Array.from({ length: 50 }, (_, index) => providerOf(`provider-${index}`));
const selector = selectorOf(providers, systemClock, {}, Math.random);
const selection = selectionOf();
const api = apiFacts();
for (const [index, provider] of providers.entries()) {
  selector.see({ provider }, 1_000_000 - index % 3);
  for (let i = 0; i < 100; i++) {
    selector.report(candidateOf(provider), { kind: "answered", latencyMs: 20 + index }, api);
  }
}

Deno.bench("select one of 50 providers", { baseline: true }, () => {
  selector.select(selection);
});

Deno.bench("select one of 50 by stickiness", () => {
  selector.select(STICKY);
});
const STICKY = selectionOf({}, { stickiness: "session" });

Deno.bench("take in an answer", () => {
  selector.report(candidateOf(providers[7]!), { kind: "answered", latencyMs: 31 }, api);
});

Deno.bench("the best ten of 50", () => {
  selector.selectSeveral(selection, 1, 10);
});
