import type { Comet38Client, WebsocketClient } from "@cosmjs/tendermint-rpc";

/** Disconnects for good: the client connects again by itself after it was told to disconnect, which is kept from it. */
export async function disconnected(client: Comet38Client, rpc: WebsocketClient): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  Reflect.get(Reflect.get(rpc, "socket"), "socket").reconnect = resolve;
  client.disconnect();
  await promise;
}
