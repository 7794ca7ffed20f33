import type { Clock } from "../domain/clock.ts";
import type { RelayRequest } from "../domain/relay_request.ts";
import type { NodeUrl, Provider } from "./provider.ts";
import type { Candidate } from "./selector.ts";

/**
 * Chooses who is subscribed with: those available come first, primaries before backups, and of equals the one that has
 * waited longest, so that subscriptions spread.
 */
export class SocketSelector {
  readonly #candidates: readonly Candidate[];
  readonly #clock: Clock;
  readonly #lastTurn = new Map<NodeUrl, number>();
  #turn = 0;

  constructor(providers: readonly Provider[], clock: Clock) {
    this.#candidates = providers.flatMap((provider) => provider.socketUrls.map((nodeUrl) => ({ provider, nodeUrl })));
    this.#clock = clock;
  }

  /** The next one; undefined when everyone who serves the call has been tried. */
  select({ api, steering }: RelayRequest, tried: ReadonlySet<NodeUrl>): Candidate | undefined {
    const nowMs = this.#clock.monotonic();
    const rankOf = ({ provider, nodeUrl }: Candidate) =>
      (nodeUrl.health.isAvailable(nowMs) ? 0 : 2) + (provider.isBackup ? 1 : 0);
    let best: Candidate | undefined;
    for (const candidate of this.#candidates) {
      const { provider: { name }, nodeUrl } = candidate;
      if (tried.has(nodeUrl) || steering.blockedProviders.includes(name)) continue;
      if (steering.selectProvider !== "" && steering.selectProvider !== name) continue;
      if (api.addOn !== "" && !nodeUrl.addOns.has(api.addOn)) continue;
      if (nodeUrl.methods !== undefined && !api.apiNames.every((method) => nodeUrl.methods!.has(method))) continue;
      if (best === undefined || rankOf(candidate) < rankOf(best)) best = candidate;
      else if (rankOf(candidate) === rankOf(best) && this.#turnOf(candidate) < this.#turnOf(best)) best = candidate;
    }
    if (best !== undefined) this.#lastTurn.set(best.nodeUrl, ++this.#turn);
    return best;
  }

  /** Takes in how a node did. */
  report({ nodeUrl: { health } }: Candidate, isGood: boolean): void {
    const nowMs = this.#clock.monotonic();
    if (isGood) health.succeed(nowMs, "relay");
    else health.fail(nowMs, "relay");
  }

  #turnOf({ nodeUrl }: Candidate): number {
    return this.#lastTurn.get(nodeUrl) ?? 0;
  }
}
