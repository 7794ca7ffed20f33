/** Where a listener listens. */
export interface Address {
  readonly hostname: string;
  readonly port: number;
}

/** How an address is written. */
export const ADDRESS_PATTERN = /^(?:\[([0-9a-fA-F:.]+)\]|([a-zA-Z0-9._-]+)):(\d{1,5})$/;

/** Reads `host:port` or `[ipv6]:port`. Port 0 takes a free one. Undefined for anything else. */
export function parseAddress(text: string): Address | undefined {
  const match = ADDRESS_PATTERN.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  return port > 65_535 ? undefined : { hostname: match[1] ?? match[2]!, port };
}

/** Whether two listeners can't both have their address. */
export function isSameAddress(a: Address, b: Address): boolean {
  if (a.port === 0 || a.port !== b.port) return false;
  const hosts = [a.hostname, b.hostname];
  if (a.hostname === b.hostname || hosts.some((host) => host === "0.0.0.0" || host === "::")) return true;
  return hosts.includes("localhost") && hosts.some((host) => host === "127.0.0.1" || host === "::1");
}

/** Whether nobody but this host reaches a listener. */
export function isLoopback({ hostname }: Address): boolean {
  return hostname === "localhost" || hostname === "::1" || /^127\./.test(hostname);
}

/** The text that {@linkcode parseAddress} reads. */
export function addressText({ hostname, port }: Address): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}
