import type { RelayRequest } from "../domain/relay_request.ts";
import type { NodeUrl, Provider } from "./provider.ts";
import type { Candidate, Sample, Selector } from "./selector.ts";
import type { Transport } from "./transport.ts";

/** Who can be subscribed with, and by whose judgement one is chosen. */
export interface SocketNodes {
  readonly providers: readonly Provider[];
  /** The one that chooses who is called: what is known of a provider counts for both. */
  readonly selector: Pick<Selector, "select" | "report">;
  /** Reaches the providers' URLs for calls. */
  readonly transport: Transport;
}

/** Chooses who is subscribed with, as it is chosen who is called. The nodes may change while it is used. */
export class SocketSelector {
  #nodes: SocketNodes;
  #byKey: ReadonlyMap<string, Candidate>;

  constructor(nodes: SocketNodes) {
    this.#nodes = nodes;
    this.#byKey = candidatesOf(nodes);
  }

  /** The nodes at present. */
  get nodes(): SocketNodes {
    return this.#nodes;
  }

  /** Chooses among these from now on. */
  replace(nodes: SocketNodes): void {
    this.#nodes = nodes;
    this.#byKey = candidatesOf(nodes);
  }

  /** The same node as it is configured at present; undefined where it is not any more. */
  current(candidate: Candidate): Candidate | undefined {
    return this.#byKey.get(socketKey(candidate));
  }

  /** Whose URL it is; undefined for one that is not a WebSocket of a node. */
  find(nodeUrl: NodeUrl): Candidate | undefined {
    for (const candidate of this.#byKey.values()) if (candidate.nodeUrl === nodeUrl) return candidate;
    return undefined;
  }

  /** The next one; undefined when everyone who serves the call has been tried. */
  select(request: RelayRequest, tried: ReadonlySet<NodeUrl>): Candidate | undefined {
    return this.#nodes.selector.select({ request, api: request.api, tried, minBlock: 0, overSocket: true });
  }

  /** Takes in how a node did. One that is not among the nodes any more is nobody's concern. */
  report(candidate: Candidate, sample: Sample, computeUnits: number): void {
    const current = this.current(candidate);
    if (current !== undefined) this.#nodes.selector.report(current, sample, { computeUnits });
  }
}

function candidatesOf({ providers }: SocketNodes): ReadonlyMap<string, Candidate> {
  const candidates = providers.flatMap((provider) => provider.socketUrls.map((nodeUrl) => ({ provider, nodeUrl })));
  return new Map(candidates.map((candidate) => [socketKey(candidate), candidate]));
}

/** What makes it the same node under a new configuration: the provider's name, and how it is reached. Secret. */
export function socketKey({ provider, nodeUrl: { target, headers } }: Candidate): string {
  return [provider.name, target, ...headers.flat()].join("\n");
}
