import { silentLog } from "../../mod.ts";
import { resolveOptimizerOptions } from "../../src/config/optimizer_options.ts";
import type { OptimizerConfig } from "../../src/config/relay_config.ts";
import type { Clock } from "../../src/domain/clock.ts";
import type { ApiFacts, RelayRequest } from "../../src/domain/relay_request.ts";
import { NO_STEERING, type Steering } from "../../src/domain/steering.ts";
import { NodeHealth } from "../../src/providers/node_health.ts";
import { OptimizerSelector } from "../../src/providers/optimizer_selector.ts";
import type { NodeUrl, Provider } from "../../src/providers/provider.ts";
import type { Candidate, Selection } from "../../src/providers/selector.ts";
import { apiFacts } from "./engine.ts";
import { seededRandom } from "./seeded_random.ts";

/** A node URL that serves everything at the root. */
export function urlOf(changes: Partial<NodeUrl> = {}): NodeUrl {
  return {
    target: "https://node.example/",
    internalPath: "",
    headers: [],
    extraTimeoutMs: 0,
    addOns: new Set(),
    methods: undefined,
    forwardsAddress: false,
    health: new NodeHealth(),
    ...changes,
  };
}

/** A primary with one URL. */
export function providerOf(name: string, changes: Partial<Provider> = {}): Provider {
  return { name, isBackup: false, nodeUrls: [urlOf()], socketUrls: [], ...changes };
}

/** The provider's first URL. */
export function candidateOf(provider: Provider): Candidate {
  return { provider, nodeUrl: provider.nodeUrls[0]! };
}

/** What a caller wants, in as far as a selector looks at it. */
export function selectionOf(
  api: Partial<ApiFacts> = {},
  steering: Partial<Steering> = {},
  changes: Partial<Selection> = {},
): Selection {
  const caller = { project: "acme", origin: "", address: "192.0.2.1" };
  const request = { steering: { ...NO_STEERING, ...steering }, caller } as RelayRequest;
  return { request, api: apiFacts(api), tried: new Set(), minBlock: 0, ...changes };
}

/** A selector whose chance is the same each time. */
export function selectorOf(
  providers: readonly Provider[],
  clock: Clock,
  config: OptimizerConfig = {},
  random: () => number = seededRandom(1),
): OptimizerSelector {
  return new OptimizerSelector(providers, { clock, log: silentLog, random }, {
    ...resolveOptimizerOptions(config),
    averageBlockTimeMs: 12_000,
  });
}

/** How often each provider is chosen in `count` selections, by name. */
export function sharesOf(
  selector: OptimizerSelector,
  count: number,
  selection: Selection = selectionOf(),
): Record<string, number> {
  const shares: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const name = selector.select(selection)?.provider.name ?? "-";
    shares[name] = (shares[name] ?? 0) + 1;
  }
  return shares;
}
