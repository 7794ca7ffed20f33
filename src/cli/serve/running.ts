import type { MetricsRegistry, PreparedConfig, ProjectBudgets, RelayConfig, ReplyCache } from "../../../mod.ts";
import type { EndpointConfig } from "../../config/file_content.ts";
import type { RelayFlags } from "../../config/flags.ts";
import type { Log } from "../../domain/log.ts";
import type { Listener, ListenerTls } from "../../hosts/deno.ts";
import type { OptimizerQosSampler } from "../../usage/optimizer_qos_sampler.ts";
import type { UsageSink } from "../../usage/usage_sink.ts";
import type { Lifecycle } from "./lifecycle.ts";

/** What all endpoints share. */
export interface Shared {
  readonly usage: UsageSink;
  /** Where events go, for the log. */
  readonly target: string;
  readonly cache: ReplyCache | undefined;
  readonly budgets: ProjectBudgets;
  readonly metrics: MetricsRegistry | undefined;
  readonly qos: OptimizerQosSampler | undefined;
  readonly certificates: ReadonlyMap<EndpointConfig, ListenerTls>;
  readonly lifecycle: Lifecycle;
  readonly log: Log;
}

/** What is served at one address, or at one path of it. */
export interface RunningRelay {
  /** Whether any of its providers can be expected to answer. */
  isHealthy(): boolean;
  /** Calls under way. */
  inFlight(): number;
  /** Gets ready for another configuration. Throws a `ConfigError` for one that can't be. */
  prepare(config: RelayConfig, flags: RelayFlags): PreparedConfig;
  /** Takes no more requests, gives those under way `graceMs`, and comes back when each has its event. */
  close(graceMs: number): Promise<void>;
}

/** An endpoint that is served. */
export interface RunningEndpoint {
  readonly endpoint: EndpointConfig;
  readonly relay: RunningRelay;
  /** Endpoints of one address have it together. */
  readonly listener: Listener;
}

/** What can't be expected to answer, in words. */
export function unhealthyOf(running: readonly Pick<RunningEndpoint, "endpoint" | "relay">[]): string[] {
  const ill = running.filter(({ relay }) => !relay.isHealthy());
  return ill.map(({ endpoint: { relay: { chainId, apiInterface = "jsonrpc" } } }) =>
    `no provider of ${chainId} ${apiInterface} can be expected to answer`
  );
}
