import { type Address, addressText } from "../../config/address.ts";
import type { EndpointConfig } from "../../config/file_content.ts";
import type { RelayFlags } from "../../config/flags.ts";

/** Every address that is to be listened on. */
export function listenAddresses(endpoints: readonly EndpointConfig[], flags: RelayFlags): Address[] {
  const others = [flags["metrics-listen-address"], flags["admin-listen-address"], flags.ui].filter((address) =>
    address !== "disabled"
  );
  const own = endpoints.flatMap(({ address, grpcWebAddress }) => [address, grpcWebAddress ?? []].flat());
  return [...own, ...others];
}

/** Addresses that can't be listened on, each with the reason. */
export function takenAddresses(addresses: readonly Address[]): string[] {
  return addresses.flatMap((address) => {
    try {
      Deno.listen({ hostname: address.hostname, port: address.port }).close();
      return [];
    } catch (error) {
      const reason = error instanceof Deno.errors.AddrInUse ? "is in use by another program" : "can't be listened on";
      return [`${addressText(address)} ${reason}`];
    }
  });
}
