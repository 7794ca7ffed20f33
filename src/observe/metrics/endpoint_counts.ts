import type { Outcome } from "../../domain/outcome.ts";
import type { RelayRequest } from "../../domain/relay_request.ts";
import { Histogram } from "./histogram.ts";

/** Most rows of one endpoint: a method, or a method at a provider. What is beyond is counted under one name. */
const MAX_ROWS = 5_000;
/** What methods are called that have no row of their own. */
const OTHER = "other";
/** Add-ons whose requests count as debug or trace. */
const DEBUG_ADD_ONS: ReadonlySet<string> = new Set(["debug", "trace"]);

/** Counts of one method at one provider. */
export class ProviderRow {
  total = 0;
  success = 0;
  failed = 0;
  read = 0;
  write = 0;
  batch = 0;
  debugTrace = 0;
  archive = 0;
  nodeErrors = 0;
  protocolErrors = 0;
}

/** Counts of one method, whoever answered. */
export class MethodRow {
  retries = 0;
  hedges = 0;
  consistency = 0;
  overBudget = 0;
  crossValidation = 0;
  crossValidationSuccess = 0;
  crossValidationFailed = 0;
  cacheRequests = 0;
  cacheSuccess = 0;
  cacheFailed = 0;
  readonly latency = new Histogram();
  readonly providers = new Map<string, ProviderRow>();
}

/** Counts of clients' WebSockets. */
export interface SocketCounts {
  /** Connections, those included that are being closed. */
  readonly connections: number;
  /** Connections that are being closed. */
  readonly closing: number;
  /** Bytes that wait for clients. */
  readonly bufferedBytes: number;
  /** Messages of subscriptions that clients have taken. */
  readonly deliveries: number;
  /** Clients that were disconnected because they did not read. */
  readonly sheds: number;
}

/** Counts of the WebSockets to nodes, and of what is subscribed to with them. */
export interface UpstreamSocketCounts {
  /** Connections that are open. */
  readonly connections: number;
  /** Clients' subscriptions that are open. */
  readonly subscriptions: number;
  /** Subscriptions with nodes, which clients share. */
  readonly shared: number;
  /** Subscriptions that were opened again after their connection had broken. */
  readonly reconnects: number;
  /** Heads that came without a connection, and were fetched and sent to subscribers. */
  readonly gapHeads: number;
  /** Gaps that stayed. */
  readonly gapsGivenUp: number;
}

/**
 * Counts the relays of one endpoint: numbers are added in place, and nothing is built for a relay.
 *
 * Clients can't make it grow: a method that the chain spec does not know counts as `Default`, and a batch as `batch`.
 */
export class EndpointCounts {
  readonly methods = new Map<string, MethodRow>();
  /** Subscriptions that were started. */
  subscriptions = 0;
  readonly #sockets: (() => SocketCounts)[] = [];
  readonly #upstreamSockets: (() => UpstreamSocketCounts)[] = [];
  #rows = 0;

  /** A relay that is on the bill has ended. */
  relayEnded(request: RelayRequest, outcome: Outcome, latencyMs: number): void {
    const method = this.#methodOf(request);
    method.latency.add(latencyMs);
    method.retries += outcome.retries;
    method.hedges += outcome.hedges;
    const row = this.#providerOf(method, nameOf(outcome));
    const isSuccess = outcome.kind === "answer" && outcome.success;
    row.total++;
    if (isSuccess) row.success++;
    else row.failed++;
    if (request.call.isBatch) row.batch++;
    else if (request.api.stateful !== 0) row.write++;
    else row.read++;
    if (isSuccess && request.api.isSubscription) this.subscriptions++;
    if (DEBUG_ADD_ONS.has(outcome.api.addOn)) row.debugTrace++;
    if (outcome.api.extensions.includes("archive")) row.archive++;
    if (request.steering.crossValidation === undefined) return;
    method.crossValidation++;
    if (outcome.kind === "answer") method.crossValidationSuccess++;
    else method.crossValidationFailed++;
  }

  /** An attempt was answered with an error of the node's own, or not at all. */
  attemptFailed(request: RelayRequest, provider: string, kind: "node_error" | "protocol_error"): void {
    const row = this.#providerOf(this.#methodOf(request), provider);
    if (kind === "node_error") row.nodeErrors++;
    else row.protocolErrors++;
  }

  /** The cache was asked. */
  cacheAsked(request: RelayRequest, isHit: boolean): void {
    const method = this.#methodOf(request);
    method.cacheRequests++;
    if (isHit) method.cacheSuccess++;
    else method.cacheFailed++;
  }

  /** A request was held to providers that have what its caller has seen. */
  heldToBlock(request: RelayRequest): void {
    this.#methodOf(request).consistency++;
  }

  /** A request was refused, because its project has used its budget. */
  overBudget(request: RelayRequest): void {
    this.#methodOf(request).overBudget++;
  }

  /** Has the counts of WebSockets read when they are wanted. */
  addSockets(read: () => SocketCounts): void {
    this.#sockets.push(read);
  }

  /** The counts of WebSockets, all together. */
  get sockets(): SocketCounts {
    const all = { connections: 0, closing: 0, bufferedBytes: 0, deliveries: 0, sheds: 0 };
    for (const read of this.#sockets) {
      const { connections, closing, bufferedBytes, deliveries, sheds } = read();
      all.connections += connections;
      all.closing += closing;
      all.bufferedBytes += bufferedBytes;
      all.deliveries += deliveries;
      all.sheds += sheds;
    }
    return all;
  }

  /** Has the counts of WebSockets to nodes read when they are wanted. */
  addUpstreamSockets(read: () => UpstreamSocketCounts): void {
    this.#upstreamSockets.push(read);
  }

  /** One of the counts of WebSockets to nodes, all together. */
  upstreamSockets(name: keyof UpstreamSocketCounts): number {
    return this.#upstreamSockets.reduce((sum, read) => sum + read()[name], 0);
  }

  #methodOf(request: RelayRequest): MethodRow {
    const name = labelOf(request);
    const known = this.methods.get(name);
    if (known !== undefined) return known;
    const label = this.#rows < MAX_ROWS ? name : OTHER;
    return this.methods.get(label) ?? this.#add(this.methods, label, new MethodRow());
  }

  #providerOf({ providers }: MethodRow, name: string): ProviderRow {
    const known = providers.get(name);
    if (known !== undefined) return known;
    const label = this.#rows < MAX_ROWS ? name : OTHER;
    return providers.get(label) ?? this.#add(providers, label, new ProviderRow());
  }

  #add<Row>(rows: Map<string, Row>, name: string, row: Row): Row {
    this.#rows++;
    rows.set(name, row);
    return row;
  }
}

/** What a request's method is called: a name of the chain spec, or one of a few that stand for all others. */
function labelOf({ call, api: { apiMethod } }: RelayRequest): string {
  if (call.isBatch) return "batch";
  return apiMethod.startsWith("Default-") ? "Default" : apiMethod;
}

/** Whose answer it was, `Cached` for the cache's; of a failure the last one asked. */
function nameOf(outcome: Outcome): string {
  if (outcome.kind === "failure") return outcome.tried.at(-1) ?? "";
  return outcome.cacheHit ? "Cached" : outcome.provider;
}
