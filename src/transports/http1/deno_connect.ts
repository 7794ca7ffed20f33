import { connectFailure, type Connection, type ConnectResult, type Origin } from "./connection.ts";

/**
 * Opens connections with Deno's own sockets.
 *
 * @example
 * ```ts
 * import { createRelay } from "@relaymeter/relay";
 * import { denoConnect } from "@relaymeter/relay/connect-deno";
 *
 * await using _relay = createRelay({
 *   chainId: "ETH1",
 *   providers: [{ name: "a", nodeUrls: [{ url: "https://node.example" }] }],
 *   connect: denoConnect,
 * });
 * ```
 */
export async function denoConnect({ hostname, port, tls }: Origin, signal: AbortSignal): Promise<ConnectResult> {
  try {
    if (signal.aborted) throw signal.reason;
    if (tls === undefined) {
      const connection = await Deno.connect({ hostname, port, signal });
      // A request is one write, and should not wait for the acknowledgement of the one before.
      connection.setNoDelay(true);
      return { kind: "connection", connection, isWriteAtomic: true };
    }
    return { kind: "connection", connection: await openTls({ hostname, port, tls }, signal), isWriteAtomic: false };
  } catch (error) {
    return connectFailure(error);
  }
}

async function openTls({ hostname, port, tls }: Origin, signal: AbortSignal): Promise<Connection> {
  const opening = Deno.connectTls({
    hostname,
    port,
    alpnProtocols: ["http/1.1"],
    ...(tls?.caPem && { caCerts: [tls.caPem] }),
    ...(tls?.certPem && tls.keyPem && { cert: tls.certPem, key: tls.keyPem }),
  });
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  let connection: Deno.TlsConn | undefined;
  try {
    connection = await Promise.race([opening, aborted]);
    await Promise.race([connection.handshake(), aborted]);
    return connection;
  } catch (error) {
    if (connection !== undefined) connection.close();
    else opening.then((late) => late.close(), () => {});
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
