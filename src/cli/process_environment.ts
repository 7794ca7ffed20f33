import type { Environment } from "../config/environment.ts";

/** The variables of this process that the permissions let it see; what they don't is as if it was not set. */
export function processEnvironment(): Environment {
  const isVisible = (variable: string) => Deno.permissions.querySync({ name: "env", variable }).state === "granted";
  const seesAll = Deno.permissions.querySync({ name: "env" }).state === "granted";
  return {
    get: (name) => seesAll || isVisible(name) ? Deno.env.get(name) : undefined,
    names: () => seesAll ? Object.keys(Deno.env.toObject()) : [],
  };
}
