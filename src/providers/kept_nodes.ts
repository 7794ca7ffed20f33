import type { NodeUrl, Provider } from "./provider.ts";

/**
 * The providers of a new configuration, with what is known of those node URLs that the old one had as well.
 *
 * A URL of which nothing has changed is the very same object, by which connections and subscriptions to it stay; one
 * that is used in another way keeps its health. URLs belong together by their provider's name and by where they lead.
 */
export function keepNodes(previous: readonly Provider[], next: readonly Provider[]): readonly Provider[] {
  const known = new Map(previous.map((provider) => [provider.name, provider]));
  return next.map((provider) => {
    const old = known.get(provider.name);
    if (old === undefined) return provider;
    return {
      ...provider,
      nodeUrls: provider.nodeUrls.map((nodeUrl) => keepNode(old.nodeUrls, nodeUrl)),
      socketUrls: provider.socketUrls.map((nodeUrl) => keepNode(old.socketUrls, nodeUrl)),
    };
  });
}

/** Whether a provider is reached at the same places as before, so that what was measured of it still holds. */
export function hasSameUrls(a: Provider, b: Provider): boolean {
  const placesOf = ({ nodeUrls }: Provider) => JSON.stringify(nodeUrls.map(placeOf).sort());
  return placesOf(a) === placesOf(b);
}

function keepNode(previous: readonly NodeUrl[], next: NodeUrl): NodeUrl {
  const place = placeOf(next);
  const old = previous.find((nodeUrl) => placeOf(nodeUrl) === place);
  if (old === undefined) return next;
  return usageOf(old) === usageOf(next) ? old : { ...next, health: old.health };
}

function placeOf({ target, internalPath }: NodeUrl): string {
  return `${target}\n${internalPath}`;
}

/** All that says how a URL is used, as a text. Secret. */
function usageOf({ target, internalPath, health: _, addOns, methods, skipVerifications, ...rest }: NodeUrl): string {
  const sets = [addOns, methods, skipVerifications].map((set) => set && [...set].sort());
  return JSON.stringify([target, internalPath, sets, Object.entries(rest).sort(([a], [b]) => a < b ? -1 : 1)]);
}
