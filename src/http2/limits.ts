import type { Http2Limits } from "./port.ts";

/** The limits with their defaults. */
export function resolveLimits(limits: Http2Limits): Required<Http2Limits> {
  const {
    maxStreams = 1_000,
    maxHeaderListBytes = 65_536,
    streamWindowBytes = 256 * 1024,
    connectionWindowBytes = 16 * 1024 * 1024,
    handshakeTimeoutMs = 10_000,
    keepaliveMs = 60_000,
    keepaliveTimeoutMs = 20_000,
  } = limits;
  return {
    maxStreams,
    maxHeaderListBytes,
    streamWindowBytes,
    connectionWindowBytes,
    handshakeTimeoutMs,
    keepaliveMs,
    keepaliveTimeoutMs,
  };
}
