import { addressText, isLoopback } from "../config/address.ts";
import type { RelayFlags } from "../config/flags.ts";

/** What is wrong with the flags that say who may administrate. */
export function adminMistakes(flags: RelayFlags): string[] {
  const address = flags["admin-listen-address"];
  if (address === "disabled") {
    return flags["admin-token"] === "" ? [] : ["--admin-token: needs --admin-listen-address, where it is asked for"];
  }
  if (isLoopback(address) || flags["admin-token"] !== "") return [];
  return [`--admin-listen-address: ${addressText(address)} is reached from other hosts; that needs --admin-token`];
}
