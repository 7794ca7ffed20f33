/** Most addresses of a chain of proxies that are looked at. */
const MAX_HOPS = 32;

/**
 * The address of a client: the peer's own, unless the peer is a trusted proxy, which says in `X-Forwarded-For` whom it
 * speaks for. The nearest address that is no trusted proxy counts; what stands before it anybody could have written.
 */
export function clientAddressOf(
  peer: string,
  forwardedFor: string | null,
  isTrusted: (address: string) => boolean,
): string {
  if (forwardedFor === null || !isTrusted(peer)) return peer;
  const hops = forwardedFor.split(",").slice(-MAX_HOPS).map((hop) => hop.trim());
  let address = peer;
  for (const hop of hops.reverse()) {
    if (!/^[0-9a-f.:]{2,45}$/i.test(hop)) return address;
    address = hop;
    if (!isTrusted(hop)) return address;
  }
  return address;
}
