import type { RelayFlags } from "../config/flags.ts";
import { checkOptimizerOptions } from "../config/optimizer_options.ts";
import type { OptimizerConfig } from "../config/relay_config.ts";

/** How providers are chosen, as the flags say. */
export function optimizerConfig(flags: RelayFlags): OptimizerConfig {
  return {
    strategy: flags.strategy,
    availabilityWeight: flags["provider-optimizer-availability-weight"],
    latencyWeight: flags["provider-optimizer-latency-weight"],
    syncWeight: flags["provider-optimizer-sync-weight"],
    stakeWeight: flags["provider-optimizer-stake-weight"],
    minSelectionChance: flags["provider-optimizer-min-selection-chance"],
    probeUpdateWeight: flags["probe-update-weight"],
  };
}

/** What is wrong with the flags taken together; each by itself has been found to be good. */
export function optimizerMistakes(flags: RelayFlags): string[] {
  return checkOptimizerOptions(optimizerConfig(flags)).map(({ path, message }) =>
    `--provider-optimizer-${String(path.at(-1)).replace(/Weight$/, "-weight")}: ${message}`
  );
}
