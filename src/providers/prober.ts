import type { Clock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";
import type { NodeProbe } from "./node_probe.ts";
import type { OptimizerSelector } from "./optimizer_selector.ts";
import type { NodeUrl, Provider } from "./provider.ts";

/** Options of the prober, resolved. Durations are milliseconds. */
export interface ProberOptions {
  /** Between two questions for the newest block. */
  readonly pollIntervalMs: number;
  /** Between two verifications of a node that has passed. */
  readonly verifyIntervalMs: number;
  /** Between two verifications of a node that has failed. */
  readonly retryIntervalMs: number;
  readonly timeoutMs: number;
}

/** What the prober works with. */
export interface ProberDeps {
  readonly providers: readonly Provider[];
  readonly probe: NodeProbe;
  /** Told how it went, and asked for the head of the chain. */
  readonly selector: Pick<OptimizerSelector, "reportProbe" | "see" | "head">;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Asks every provider for its newest block, again and again, and whether it is what it is configured as.
 *
 * Providers are asked one after the other, spread over the interval, so that many do not come at once; each has one
 * question under way at the most.
 */
export class Prober implements AsyncDisposable {
  readonly #deps: ProberDeps;
  readonly #options: ProberOptions;
  readonly #cancels = new Set<() => void>();
  readonly #stop = new AbortController();
  readonly #underWay = new Set<Promise<void>>();

  /** Starts at once. */
  constructor(deps: ProberDeps, options: ProberOptions) {
    this.#deps = deps;
    this.#options = options;
    const { providers, probe } = deps;
    providers.forEach((provider, index) => {
      const delayMs = options.pollIntervalMs * index / providers.length;
      if (probe.newestBlock !== undefined) this.#repeat(delayMs, () => this.#poll(provider));
      if (probe.verifications.length === 0) return;
      for (const nodeUrl of provider.nodeUrls) this.#repeat(delayMs, () => this.#verify(provider, nodeUrl));
    });
  }

  /** Asks nothing more, and waits for what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    for (const cancel of this.#cancels) cancel();
    await Promise.all(this.#underWay);
  }

  /** Runs `step` after `delayMs`, and again after as long as it says. */
  #repeat(delayMs: number, step: () => Promise<number>): void {
    if (this.#stop.signal.aborted) return;
    const cancel = this.#deps.clock.schedule(delayMs, () => {
      this.#cancels.delete(cancel);
      const run = step().then(
        (nextMs) => this.#repeat(nextMs, step),
        (error) => {
          this.#deps.log.error("a node could not be probed by a mistake of the relay", { error: String(error) });
          this.#repeat(this.#options.retryIntervalMs, step);
        },
      ).finally(() => this.#underWay.delete(run));
      this.#underWay.add(run);
    });
    this.#cancels.add(cancel);
  }

  async #poll(provider: Provider): Promise<number> {
    const { probe, selector, clock } = this.#deps;
    const { pollIntervalMs } = this.#options;
    const nodeUrl = provider.nodeUrls.find(({ health }) => health.isAvailable(clock.monotonic())) ??
      provider.nodeUrls[0];
    if (nodeUrl === undefined) return pollIntervalMs;
    const startedAtMs = clock.monotonic();
    const result = await this.#within((signal) => probe.newestBlock!(nodeUrl, signal));
    if (this.#stop.signal.aborted) return pollIntervalMs;
    const latencyMs = clock.monotonic() - startedAtMs;
    const block = result.kind === "value" ? Number(result.text) : NaN;
    if (!Number.isSafeInteger(block) || block < 0) {
      selector.reportProbe({ provider, nodeUrl }, { kind: "failed" });
    } else {
      selector.see({ provider }, block);
      selector.reportProbe({ provider, nodeUrl }, { kind: "answered", latencyMs });
    }
    return pollIntervalMs;
  }

  /** Verifies one URL; comes back with when to do it again. */
  async #verify(provider: Provider, nodeUrl: NodeUrl): Promise<number> {
    const { probe, selector, log } = this.#deps;
    const { skipVerifications } = nodeUrl;
    let hasFailed = false;
    for (const verification of probe.verifications) {
      const { name, addOn, extension, isFatal } = verification;
      if (skipVerifications?.has("*") || skipVerifications?.has(name)) continue;
      if (addOn !== "" && !nodeUrl.addOns.has(addOn)) continue;
      if (extension !== "" && !nodeUrl.addOns.has(extension)) continue;
      const complaint = await this.#within((signal) => verification.check(nodeUrl, selector.head(), signal));
      if (this.#stop.signal.aborted) return this.#options.retryIntervalMs;
      if (complaint === undefined) continue;
      const fields = { provider: provider.name, verification: name, reason: complaint };
      if (isFatal) {
        hasFailed = true;
        log.warn("provider failed a verification and is left out; skip-verifications spares it", fields);
      } else {
        log.info("provider failed a verification that is a warning", fields);
      }
    }
    if (!hasFailed && nodeUrl.health.isRefuted) {
      log.info("provider has passed its verifications", { provider: provider.name });
    }
    nodeUrl.health.verify(!hasFailed);
    return hasFailed ? this.#options.retryIntervalMs : this.#options.verifyIntervalMs;
  }

  /** Gives a question its time. */
  async #within<Value>(ask: (signal: AbortSignal) => Promise<Value>): Promise<Value> {
    const controller = new AbortController();
    const cancelTimer = this.#deps.clock.schedule(this.#options.timeoutMs, () => controller.abort());
    const onStop = () => controller.abort();
    this.#stop.signal.addEventListener("abort", onStop, { once: true });
    if (this.#stop.signal.aborted) controller.abort();
    try {
      return await ask(controller.signal);
    } finally {
      cancelTimer();
      this.#stop.signal.removeEventListener("abort", onStop);
    }
  }
}
