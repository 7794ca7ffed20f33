import type { Clock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";
import { askWithin } from "./ask_within.ts";
import type { NodeCheck, NodeProbe, NodeQuestion, ProbeResult } from "./node_probe.ts";
import type { OptimizerSelector } from "./optimizer_selector.ts";
import type { Provider } from "./provider.ts";
import type { Candidate } from "./selector.ts";
import { isHeldTo, judge, type Verdict } from "./verification.ts";

/** Options of the prober, resolved. Durations are milliseconds. */
export interface ProberOptions {
  /** Between two questions for the newest block. */
  readonly pollIntervalMs: number;
  /** Between two verifications of a node that has passed. */
  readonly verifyIntervalMs: number;
  /** Between two verifications of a node that has failed, or has not answered. */
  readonly retryIntervalMs: number;
  readonly timeoutMs: number;
  /** Whether WebSocket URLs are verified, and polled where a provider has no others. */
  readonly verifiesSockets: boolean;
}

/** What the prober works with. */
export interface ProberDeps {
  readonly providers: readonly Provider[];
  readonly probe: NodeProbe;
  /** Told how it went. */
  readonly selector: Pick<OptimizerSelector, "reportProbe" | "see">;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Asks every provider for its newest block, again and again, and whether it is what it is configured as.
 *
 * All are verified at the start. From then on providers are asked one after the other, spread over the interval, so that
 * many do not come at once; each has one question of a kind under way at the most. Nobody waits for any of it.
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
      if (probe.checks.length === 0) return;
      const sockets = options.verifiesSockets ? provider.socketUrls : [];
      for (const nodeUrl of [...provider.nodeUrls, ...sockets]) {
        this.#repeat(0, () => this.#verify({ provider, nodeUrl }));
      }
    });
  }

  /** Asks nothing more, and waits for what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    // An error of the platform's own would remember who has called, and keep all that they know.
    this.#stop.abort("probes have stopped");
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
    const { probe: { newestBlock }, selector, clock } = this.#deps;
    const { pollIntervalMs, verifiesSockets } = this.#options;
    const { nodeUrls, socketUrls } = provider;
    const urls = nodeUrls.length === 0 && verifiesSockets ? socketUrls : nodeUrls;
    const fitting = urls.map((nodeUrl) => ({ provider, nodeUrl })).filter((each) => newestBlock!.fits(each));
    const candidate = fitting.find(({ nodeUrl }) => nodeUrl.health.isAvailable(clock.monotonic())) ?? fitting[0];
    if (candidate === undefined) return pollIntervalMs;
    const { kind, text, sample } = await this.#ask(candidate, newestBlock!);
    if (this.#stop.signal.aborted) return pollIntervalMs;
    // Its lag counts with the answer that says it.
    if (kind === "value") selector.see(candidate, Number(text));
    if (sample !== undefined) selector.reportProbe(candidate, sample);
    return pollIntervalMs;
  }

  /** Verifies one URL; comes back with when to do it again. */
  async #verify(candidate: Candidate): Promise<number> {
    const { probe: { checks, newestBlock } } = this.#deps;
    const { retryIntervalMs, verifyIntervalMs } = this.#options;
    const own = checks.filter((check) => isHeldTo(check, candidate));
    const needsHead = own.some(({ latestDistance }) => latestDistance > 0) && newestBlock?.fits(candidate);
    const newest = needsHead ? await this.#ask(candidate, newestBlock!) : undefined;
    const head = newest?.kind === "value" ? Number(newest.text) : 0;
    const lacking = new Set<string>();
    let isOpen = false;
    for (const check of own) {
      const verdict = await judge(check, head, (question, block) => this.#ask(candidate, question, block));
      if (this.#stop.signal.aborted) return retryIntervalMs;
      if (verdict.kind === "passed") continue;
      this.#tell(candidate, check, verdict);
      const isUnknown = verdict.kind === "unknown";
      isOpen ||= isUnknown;
      if (!check.isFatal) continue;
      // What has not been answered stays as it was.
      for (const service of check.services.length > 0 ? check.services : [""]) {
        if (!isUnknown || candidate.nodeUrl.health.lacks(service)) lacking.add(service);
      }
    }
    this.#conclude(candidate, lacking);
    return isOpen || lacking.size > 0 ? retryIntervalMs : verifyIntervalMs;
  }

  #tell({ provider }: Candidate, { name, services, isFatal }: NodeCheck, { kind, reason }: NonPassed): void {
    const { log } = this.#deps;
    const fields = { provider: provider.name, verification: name, reason };
    if (kind === "unknown") {
      log.info("provider could not be verified", fields);
    } else if (!isFatal) {
      log.info("provider failed a verification that is a warning", fields);
    } else if (services.length > 0) {
      const what = "provider failed a verification and is not asked for it; skip-verifications spares it";
      log.warn(what, { ...fields, services: services.join(", ") });
    } else {
      log.warn("provider failed a verification and is left out; skip-verifications spares it", fields);
    }
  }

  #conclude({ provider, nodeUrl: { health } }: Candidate, lacking: ReadonlySet<string>): void {
    if (health.isRefuted && !lacking.has("")) {
      this.#deps.log.info("provider has passed its verifications", { provider: provider.name });
    }
    health.verify(lacking);
  }

  async #ask(candidate: Candidate, question: NodeQuestion, block?: number): Promise<ProbeResult> {
    const { timeoutMs } = this.#options;
    const result = await askWithin(this.#deps.clock, question, candidate, timeoutMs, this.#stop.signal, block);
    // Nodes may take nothing but subscriptions over WebSockets: that they refuse a call does not say who they are.
    const isSocket = candidate.provider.socketUrls.includes(candidate.nodeUrl);
    return result.kind === "refusal" && isSocket ? { ...result, kind: "unknown" } : result;
  }
}

type NonPassed = Exclude<Verdict, { readonly kind: "passed" }>;
