import { type Address, addressText } from "../../config/address.ts";
import type { EndpointConfig } from "../../config/file_content.ts";
import type { RelayFlags } from "../../config/flags.ts";

/** An address that is to be listened on. */
export interface ListenAddress extends Address {
  /** Whether others may listen on it as well. */
  readonly reusePort: boolean;
}

/** Every address that is to be listened on. */
export function listenAddresses(endpoints: readonly EndpointConfig[], flags: RelayFlags): ListenAddress[] {
  const others = [flags["metrics-listen-address"], flags["admin-listen-address"], flags.ui].filter((address) =>
    address !== "disabled"
  );
  const shared = endpoints.flatMap(({ address, grpcWebAddress }) => [address, grpcWebAddress ?? []].flat());
  return [
    ...shared.map((address) => ({ ...address, reusePort: flags["reuse-port"] })),
    ...others.map((address) => ({ ...address, reusePort: false })),
  ];
}

/** Addresses that can't be listened on, each with the reason. */
export function takenAddresses(addresses: readonly ListenAddress[]): string[] {
  return addresses.flatMap((address) => {
    const { hostname, port, reusePort } = address;
    try {
      Deno.listen({ hostname, port, ...(reusePort && { reusePort }) }).close();
      return [];
    } catch (error) {
      const reason = error instanceof Deno.errors.AddrInUse ? "is in use by another program" : "can't be listened on";
      return [`${addressText(address)} ${reason}`];
    }
  });
}
