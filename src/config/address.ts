/** Where a listener listens. */
export interface Address {
  readonly hostname: string;
  readonly port: number;
}

/** Reads `host:port` or `[ipv6]:port`. Port 0 takes a free one. Undefined for anything else. */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+)):(\d{1,5})$/i.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  return port > 65_535 ? undefined : { hostname: match[1] ?? match[2]!, port };
}

/** The text that {@linkcode parseAddress} reads. */
export function addressText({ hostname, port }: Address): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}
