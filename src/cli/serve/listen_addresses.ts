import { type Address, addressText } from "../../config/address.ts";
import type { EndpointConfig } from "../../config/file_content.ts";
import type { RelayFlags } from "../../config/flags.ts";

/** An address that is to be listened on. */
export interface ListenAddress extends Address {
  /** What says so, such as `--metrics-listen-address`. */
  readonly name: string;
  /** Whether others may listen on it as well. */
  readonly reusePort: boolean;
}

/** Every address that is to be listened on. */
export function listenAddresses(endpoints: readonly EndpointConfig[], flags: RelayFlags): ListenAddress[] {
  const reusePort = flags["reuse-port"];
  const shared = endpoints.flatMap(({ address, grpcWebAddress, relay: { chainId, apiInterface = "jsonrpc" } }) => {
    const name = `the endpoint of ${chainId} ${apiInterface}`;
    const web = grpcWebAddress && { ...grpcWebAddress, name: `${name} for gRPC-Web`, reusePort };
    return [{ ...address, name, reusePort }, ...(web ? [web] : [])];
  });
  const others = (["metrics-listen-address", "admin-listen-address", "ui"] as const).flatMap((flag) => {
    const address = flags[flag];
    return address === "disabled" ? [] : [{ ...address, name: `--${flag}`, reusePort: false }];
  });
  return [...shared, ...others];
}

/** Addresses that can't be listened on, each with what says that they are to be, and the reason. */
export function takenAddresses(addresses: readonly ListenAddress[]): string[] {
  return addresses.flatMap((address) => {
    const { hostname, port, name, reusePort } = address;
    try {
      Deno.listen({ hostname, port, ...(reusePort && { reusePort }) }).close();
      return [];
    } catch (error) {
      return [`${name}: ${addressText(address)} ${reasonOf(error)}`];
    }
  });
}

function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.AddrInUse) return "is in use by another program";
  if (error instanceof Deno.errors.PermissionDenied) return "can't be listened on: permission denied";
  if (error instanceof Deno.errors.NotCapable) return "can't be listened on: --allow-net does not cover it";
  return "can't be listened on";
}
