import type { OptimizerOptions } from "../providers/optimizer/optimizer.ts";
import { STRATEGIES } from "../providers/optimizer/strategy.ts";
import type { Mistake } from "./mistake.ts";
import type { OptimizerConfig } from "./relay_config.ts";

/** What a configuration says about choosing providers, resolved. */
export function resolveOptimizerOptions(config: OptimizerConfig = {}): OptimizerOptions {
  return {
    strategy: config.strategy ?? "balanced",
    weights: {
      availability: config.availabilityWeight ?? 0.3,
      latency: config.latencyWeight ?? 0.3,
      sync: config.syncWeight ?? 0.2,
      stake: config.stakeWeight ?? 0.2,
    },
    minSelectionChance: config.minSelectionChance ?? 0.01,
    probeWeight: config.probeUpdateWeight ?? 0.25,
  };
}

/** Every mistake in what a configuration says about choosing providers. */
export function checkOptimizerOptions(config: OptimizerConfig = {}): Mistake[] {
  const mistakes: Mistake[] = [];
  const complain = (member: keyof OptimizerConfig, message: string) =>
    mistakes.push({ path: ["optimizer", member], message });
  const { strategy, weights, minSelectionChance, probeWeight } = resolveOptimizerOptions(config);
  if (!STRATEGIES.includes(strategy)) complain("strategy", `must be ${STRATEGIES.join(", ")}`);
  for (const [part, weight] of Object.entries(weights)) {
    const member = `${part as keyof typeof weights}Weight` as const;
    if (!Number.isFinite(weight) || weight < 0) complain(member, "must be a number, 0 or more");
  }
  if (Object.values(weights).every((weight) => weight === 0)) {
    complain("availabilityWeight", "is 0 as all the other weights are; one of them must be more");
  }
  if (!(minSelectionChance > 0 && minSelectionChance <= 1)) {
    complain("minSelectionChance", "must be a number above 0 and up to 1");
  }
  if (!(probeWeight > 0 && probeWeight <= 1)) complain("probeUpdateWeight", "must be a number above 0 and up to 1");
  return mistakes;
}
