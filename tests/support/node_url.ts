import { NodeHealth } from "../../src/providers/node_health.ts";
import type { NodeUrl } from "../../src/providers/provider.ts";

/** A node URL as the configuration would make it. */
export function nodeUrlOf(target: string, changes: Partial<NodeUrl> = {}): NodeUrl {
  return {
    target,
    internalPath: "",
    headers: [],
    extraTimeoutMs: 0,
    addOns: new Set(),
    methods: undefined,
    forwardsAddress: false,
    health: new NodeHealth(),
    ...changes,
  };
}
