import { ConfigError, type PreparedConfig } from "../../../mod.ts";
import { addressText } from "../../config/address.ts";
import { type EndpointConfig, pathOfEndpoint } from "../../config/file_content.ts";
import type { RelayFlags } from "../../config/flags.ts";
import { describeMistake } from "../../config/mistake.ts";
import type { LoadedConfig } from "../load_config.ts";
import { changeFlags } from "./reloadable_flags.ts";
import type { RunningEndpoint, Shared } from "./running.ts";

/** A change of the configuration that can be made, or every reason why it can't. */
export type Change =
  | {
    readonly kind: "ready";
    /** What of the new configuration will not be in force before a restart, a line each. */
    readonly needsRestart: readonly string[];
    /** Makes it. Comes back with the flags that are in force then. */
    apply(): RelayFlags;
  }
  | { readonly kind: "refused"; readonly mistakes: readonly string[] };

/** Gets everything ready for a loaded configuration, and changes nothing. */
export function prepareChange(
  loaded: LoadedConfig,
  running: readonly RunningEndpoint[],
  current: RelayFlags,
  { budgets, certificates }: Pick<Shared, "budgets" | "certificates">,
): Change {
  if (loaded.mistakes.length > 0) return { kind: "refused", mistakes: loaded.mistakes };
  const { flags, unchanged } = changeFlags(current, loaded.flags);
  const needsRestart = [...unchanged];
  const next = byPlace(loaded.endpoints);
  const mistakes: string[] = [];
  const prepared: PreparedConfig[] = [];
  for (const [place, { endpoint, relay }] of byPlace(running.map((each) => each.endpoint), running)) {
    const found = next.get(place);
    next.delete(place);
    if (found === undefined) {
      needsRestart.push(`${place} is served on`);
      continue;
    }
    needsRestart.push(...changedListener(endpoint, found, certificates, loaded).map((what) => `${what} of ${place}`));
    try {
      const ready = relay.prepare(found.relay, flags);
      needsRestart.push(...ready.needsRestart.map((what) => `${what} of ${place}`));
      prepared.push(ready);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      mistakes.push(...error.mistakes.map((mistake) => `${place}: ${describeMistake(mistake)}`));
    }
  }
  for (const place of next.keys()) needsRestart.push(`${place} is not served yet`);
  if (mistakes.length > 0) return { kind: "refused", mistakes };
  return {
    kind: "ready",
    needsRestart,
    apply() {
      for (const each of prepared) each.apply();
      budgets.setLimits(loaded.projects);
      return flags;
    },
  };
}

/** Endpoints, or what belongs to each, by where they are served; several that want any port are told apart in turn. */
function byPlace(endpoints: readonly EndpointConfig[]): Map<string, EndpointConfig>;
function byPlace<T>(endpoints: readonly EndpointConfig[], values: readonly T[]): Map<string, T>;
function byPlace(endpoints: readonly EndpointConfig[], values: readonly unknown[] = endpoints): Map<string, unknown> {
  const places = new Map<string, unknown>();
  for (const [index, endpoint] of endpoints.entries()) {
    const { address, relay: { chainId, apiInterface = "jsonrpc" } } = endpoint;
    const path = endpoint.path === undefined ? "" : pathOfEndpoint(endpoint);
    const place = `endpoint ${addressText(address)}${path} (${chainId} ${apiInterface})`;
    let name = place;
    for (let turn = 2; places.has(name); turn++) name = `${place} no. ${turn}`;
    places.set(name, values[index]);
  }
  return places;
}

/** What of a listener is not as it was: that can't change while it listens. */
function changedListener(
  current: EndpointConfig,
  next: EndpointConfig,
  certificates: Shared["certificates"],
  loaded: LoadedConfig,
): string[] {
  const textOf = (value: unknown) => JSON.stringify(value) ?? "";
  const changed: string[] = [];
  if (textOf(current.grpcWebAddress) !== textOf(next.grpcWebAddress)) changed.push("grpc-web-address");
  if (textOf(certificates.get(current)) !== textOf(loaded.certificates.get(next))) changed.push("the certificate");
  return changed;
}
