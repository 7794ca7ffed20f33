import type { Clock } from "../../domain/clock.ts";
import type { Http2Limits, Http2ServerOptions, Http2Wire } from "../../http2/port.ts";
import type { StreamTransport } from "../../providers/stream_transport.ts";
import type { GrpcHandler } from "./grpc_handler.ts";

/** What a listener is made of. */
export interface GrpcListenerDeps {
  readonly wire: Http2Wire;
  readonly handler: Pick<GrpcHandler, "onStream" | "drain">;
  readonly transport: StreamTransport;
  readonly clock: Clock;
}

/** A listener that is open. */
export interface GrpcListener {
  readonly hostname: string;
  readonly port: number;
  /**
   * Takes no more calls (GOAWAY), gives those under way `graceMs`, ends what is left then, and comes back when every call
   * has its event and all connections are closed.
   */
  close(graceMs: number): Promise<void>;
}

/** How long connections may take to close after the last call has ended, milliseconds. */
const CONNECTION_GRACE_MS = 2_000;

/** Serves gRPC on one address, over TLS where it has a certificate. Port 0 takes a free one. Rejects when it is taken. */
export async function listenGrpc(
  address: Pick<Http2ServerOptions, "hostname" | "port" | "reusePort" | "tls"> & Http2Limits,
  { wire, handler, transport, clock }: GrpcListenerDeps,
): Promise<GrpcListener> {
  const server = await wire.listen({ ...address, onStream: (incoming) => handler.onStream(incoming) });
  return {
    hostname: server.hostname,
    port: server.port,
    async close(graceMs) {
      const drained = server.drain();
      await handler.drain(graceMs);
      const cancelTimer = clock.schedule(CONNECTION_GRACE_MS, () => server.close());
      await drained;
      cancelTimer();
      await transport.close();
    },
  };
}
