import { failure, type RelayError } from "../domain/relay_error.ts";
import { LATEST } from "../domain/block.ts";
import type { ApiFacts, ApiTarget } from "../domain/relay_request.ts";
import type { MatchedApi, Matcher } from "./matcher.ts";

/** The facts of a call, or why this interface does not serve it. */
export type MatchResult = { readonly kind: "matched"; readonly api: ApiFacts } | {
  readonly kind: "failure";
  readonly error: RelayError;
};

/**
 * What the chain spec says about a call: of one API, or of a batch taken together.
 *
 * Compute units add up; flags hold when they hold for any part. An extension is applied where an API's collection
 * knows it, and counts as used when it was applied to any part.
 */
export function matchCall(matcher: Matcher, targets: readonly ApiTarget[], extensions: readonly string[]): MatchResult {
  const apis = targets.map(({ name }) => matcher.match(name));
  const asked = new Set(extensions);
  let computeUnits = 0;
  let addOn = "";
  let stateful: 0 | 1 | 2 = 0;
  let isHanging = false;
  const used = new Set<string>();
  for (const api of apis) {
    if (api.isSubscription) {
      return failure("unsupported_api", `${api.name} needs a WebSocket connection; it can't be called over HTTP`);
    }
    if (api.addOn !== "" && addOn !== "" && api.addOn !== addOn) {
      return failure("invalid_request", `batch mixes the add-ons ${addOn} and ${api.addOn}; send one batch for each`);
    }
    computeUnits += priceOf(api, asked, used);
    addOn ||= api.addOn;
    if (api.stateful === 1 || stateful === 0) stateful = api.stateful;
    isHanging ||= api.isHanging;
  }
  // Where the spec leaves any part's time to its compute units, it does so for the whole.
  const timeoutMs = apis.every((api) => api.timeoutMs > 0) ? Math.max(...apis.map((api) => api.timeoutMs)) : 0;
  const apiMethod = apis.length === 1 ? apis[0]!.name : apis.map((api) => api.name).join("&");
  return {
    kind: "matched",
    api: {
      apiMethod,
      apiNames: targets.map(({ name }) => name),
      computeUnits,
      addOn,
      internalPath: "",
      extensions: [...used],
      timeoutMs,
      stateful,
      isHanging,
      isDeterministic: apis.every((api) => api.isDeterministic),
      isSubscription: false,
      requestedBlock: { from: LATEST, to: LATEST },
      headerRules: [],
      withExtension(name) {
        if (used.has(name) || !apis.some((api) => api.multipliers.has(name))) return undefined;
        const again = matchCall(matcher, targets, [...used, name]);
        return again.kind === "matched" ? again.api : undefined;
      },
    },
  };
}

/** Price of one API with the extensions that its collection knows; these are added to `used`. */
function priceOf(api: MatchedApi, extensions: ReadonlySet<string>, used: Set<string>): number {
  let units = api.computeUnits;
  for (const extension of extensions) {
    const multiplier = api.multipliers.get(extension);
    if (multiplier === undefined) continue;
    units *= multiplier;
    used.add(extension);
  }
  return units;
}
