import { addressText } from "../../config/address.ts";
import type { RelayFlags } from "../../config/flags.ts";
import type { Log } from "../../domain/log.ts";
import { listen, type Listener } from "../../hosts/deno.ts";
import { withProbes } from "../../hosts/probes.ts";
import { type AdminDeps, createAdminHandler } from "./admin.ts";

/** Serves the administration on an address of its own, unless it is off. */
export function listenForAdmin(
  flags: RelayFlags,
  reload: AdminDeps["reload"],
  unreadiness: () => readonly string[],
  log: Log,
): Listener | undefined {
  const address = flags["admin-listen-address"];
  if (address === "disabled") return undefined;
  const handler = createAdminHandler({ token: flags["admin-token"], reload });
  const listener = listen(address, withProbes(handler, unreadiness));
  log.info("administration is listening", { address: addressText(listener), token: flags["admin-token"] !== "" });
  return listener;
}
