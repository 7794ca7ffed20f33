import type { ApiInterface } from "../domain/api_interface.ts";
import type { ChainSpec } from "../domain/chain_spec.ts";
import type { Provider } from "../providers/provider.ts";
import { compileMatcher, type Matcher } from "../spec/matcher.ts";
import { SpecSet } from "../spec/spec_set.ts";
import { checkHttpOptions, codecOf } from "./http_options.ts";
import { type Mistake, unknownName } from "./mistake.ts";
import { checkOptimizerOptions } from "./optimizer_options.ts";
import type { RelayConfig } from "./relay_config.ts";
import { checkCallUrls, resolveProviders } from "./resolve_providers.ts";

/** What a configuration means, and everything that is wrong with it. */
export interface ResolvedConfig {
  readonly mistakes: Mistake[];
  readonly providers: readonly Provider[];
  readonly matcher: Matcher | undefined;
  readonly times: {
    readonly averageBlockTimeMs: number;
    readonly allowedLag: number;
    readonly finalizedDistance: number;
  };
}

const BUILTIN_SPECS = new SpecSet();

/** The chain spec with everything that it builds on. */
function resolveSpec({ chainId, specs = BUILTIN_SPECS }: RelayConfig, mistakes: Mistake[]): ChainSpec | undefined {
  const path = ["chainId"];
  if (specs.specOf(chainId) === undefined) {
    mistakes.push({ path, message: unknownName("chain", chainId, specs.indexes()) });
    return undefined;
  }
  const expansion = specs.expand(chainId);
  if (expansion.kind === "spec") return expansion.spec;
  for (const reason of expansion.reasons) mistakes.push({ path, message: `the chain spec can't be used: ${reason}` });
  return undefined;
}

/** Resolves a configuration as far as it can be; what is missing then is among the mistakes. */
export function resolveConfig(config: RelayConfig): ResolvedConfig {
  const mistakes: Mistake[] = [];
  const spec = resolveSpec(config, mistakes);
  const apiInterface = config.apiInterface ?? "jsonrpc";
  const matcher = spec && compileMatcher(spec, apiInterface);
  if (apiInterface !== "grpc" && codecOf(apiInterface, config) === undefined) {
    mistakes.push({ path: ["apiInterface"], message: `${apiInterface} is not served` });
  } else if (spec !== undefined && matcher === undefined) {
    mistakes.push({ path: ["apiInterface"], message: `${config.chainId} has no ${apiInterface} APIs` });
  }
  mistakes.push(...checkHttpOptions(config), ...checkOptimizerOptions(config.optimizer));
  if (config.providers.length === 0) mistakes.push({ path: ["providers"], message: "at least one provider is needed" });

  const serviceNames = matcher?.serviceNames ?? new Set<string>();
  const hasSubscriptions = apiInterface === "jsonrpc" || apiInterface === "tendermintrpc";
  const resolver = { providers: [], mistakes, serviceNames, isGrpc: apiInterface === "grpc", hasSubscriptions };
  resolveProviders(resolver, config.providers, ["providers"], false);
  resolveProviders(resolver, config.backupProviders ?? [], ["backupProviders"], true);
  checkCallUrls(resolver, ["providers"]);
  const times = {
    averageBlockTimeMs: spec?.average_block_time ?? 0,
    allowedLag: spec?.allowed_block_lag_for_qos_sync ?? 0,
    finalizedDistance: spec?.block_distance_for_finalized_data ?? 0,
  };
  return { mistakes, providers: resolver.providers, matcher, times };
}

/** Every mistake in a relay's configuration, its paths in the spelling of {@linkcode RelayConfig}. */
export function checkRelayConfig(config: RelayConfig): readonly Mistake[] {
  return resolveConfig(config).mistakes;
}

/** What can't change while a relay runs: its clients have been told what to ask it. */
export function checkSameChain(
  previous: { readonly chain: string; readonly apiInterface: ApiInterface },
  chainId: string,
  apiInterface: ApiInterface,
): Mistake[] {
  const stays = "can't change while the relay runs";
  return [
    ...(chainId === previous.chain ? [] : [{ path: ["chainId"], message: stays }]),
    ...(apiInterface === previous.apiInterface ? [] : [{ path: ["apiInterface"], message: stays }]),
  ];
}
