import type { ApiFacts } from "../domain/relay_request.ts";
import type { Steering } from "../domain/steering.ts";
import type { NodeUrl, Provider } from "./provider.ts";

/** Whether a URL serves a call's add-on, extensions, path and APIs. */
export function servesCall({ addOns, internalPath, methods, health }: NodeUrl, api: ApiFacts): boolean {
  if (api.addOn !== "" && (!addOns.has(api.addOn) || health.lacks(api.addOn))) return false;
  if (internalPath !== "" && internalPath !== api.internalPath) return false;
  for (const extension of api.extensions) if (!addOns.has(extension) || health.lacks(extension)) return false;
  return methods === undefined || api.apiNames.every((name) => methods.has(name));
}

/** Whether the caller lets a provider be asked. */
export function isWanted({ name }: Provider, { selectProvider, blockedProviders }: Steering): boolean {
  if (selectProvider !== "" && name !== selectProvider) return false;
  return blockedProviders.length === 0 || !blockedProviders.includes(name);
}
