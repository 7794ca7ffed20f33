import { NodeHealth } from "./node_health.ts";

/** One URL of a provider, ready to be asked. */
export interface NodeUrl {
  /** Where requests go, with the query that authenticates. Secret: never in a log, a metric or an error. */
  readonly target: string;
  /** Path of the chain's APIs that the URL leads to and alone serves; empty for the root, below which all paths are. */
  readonly internalPath: string;
  /** Headers that authenticate. Secret as well. */
  readonly headers: readonly (readonly [string, string])[];
  /** Added to the relay timeout, milliseconds. */
  readonly extraTimeoutMs: number;
  /** Add-ons and extensions that it serves. */
  readonly addOns: ReadonlySet<string>;
  /** The only APIs that it serves; undefined for all. */
  readonly methods: ReadonlySet<string> | undefined;
  /** Whether the client's address is sent along in `X-Forwarded-For`. */
  readonly forwardsAddress: boolean;
  readonly health: NodeHealth;
  /** Names of the verifications that it is not held to; `*` for all. */
  readonly skipVerifications?: ReadonlySet<string>;
  /** How TLS is spoken, where it is not as usual. Secret as well. */
  readonly tls?: NodeTls | undefined;
}

/** What TLS needs beyond the platform's own authorities. */
export interface NodeTls {
  /** Trusted beside them. */
  readonly caPem?: string;
  /** Shows who the relay is; with `keyPem` or not at all. */
  readonly certPem?: string;
  /** The key of `certPem`. */
  readonly keyPem?: string;
}

/** Who is configured to answer. */
export interface Provider {
  /** Unique; the event's `provider`. */
  readonly name: string;
  /** Backups are asked when no primary can serve. */
  readonly isBackup: boolean;
  /** How much it should be asked, against others. */
  readonly stake?: number | undefined;
  /** Where calls go. */
  readonly nodeUrls: readonly NodeUrl[];
  /** Where subscriptions go: WebSocket URLs. */
  readonly socketUrls: readonly NodeUrl[];
}
