import type { RelayOptions } from "../../mod.ts";
import { denoConnect } from "../../src/transports/http1/deno_connect.ts";

/**
 * How a relay in the test's own process reaches nodes: as the variable says that a relay process goes by, so that one
 * variable has all tests use the platform's `fetch`. By default it has connections of its own, as a process has.
 */
export function upstreamTransport(): Pick<RelayOptions, "connect"> {
  return Deno.env.get("RELAYMETER_UPSTREAM_TRANSPORT") === "fetch" ? {} : { connect: denoConnect };
}
