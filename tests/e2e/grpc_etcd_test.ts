import { assert, assertEquals } from "@std/assert";
import { Etcd3 } from "etcd3";
import { startEtcd } from "../support/grpc/peers.ts";
import { plain, startGrpcRelay } from "../support/grpc_relay.ts";

/**
 * How long the client waits before it makes its stream of watches again. It does so once a stream has ended, also when
 * that was its own will and nothing is watched any more; `ended` settles then.
 */
function backoffOnce(): { readonly watchBackoff: Backoff; readonly ended: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let asked = 0;
  const watchBackoff: Backoff = {
    duration: 0,
    next() {
      // It asks for the first when it is made.
      if (++asked > 1) resolve();
      return watchBackoff;
    },
  };
  return { watchBackoff, ended: promise };
}

interface Backoff {
  readonly duration: number;
  next(): Backoff;
}

/** What a client makes of an etcd: unary calls, a lease that is kept alive, and a watch that both sides talk on. */
async function use(port: number, prefix: string): Promise<unknown[]> {
  const { watchBackoff, ended } = backoffOnce();
  const client = new Etcd3({
    hosts: `http://127.0.0.1:${port}`,
    grpcOptions: { "grpc.enable_channelz": 0 },
    faultHandling: { watchBackoff },
  });
  try {
    const seen: unknown[] = [];
    const space = client.namespace(prefix);
    await space.put("a").value("1");
    seen.push(await space.get("a").string(), await space.get("none").string());
    const committed = await space.if("a", "Value", "==", "1").then(space.put("b").value("2")).commit();
    seen.push(committed.succeeded, await space.getAll().strings());

    const watcher = await space.watch().key("c").create();
    const heard = Promise.withResolvers<string[]>();
    const values: string[] = [];
    watcher.on("put", (change) => {
      values.push(change.value.toString());
      if (values.length === 3) heard.resolve(values);
    });
    for (const value of ["x", "y", "z"]) await space.put("c").value(value);
    seen.push(await heard.promise);
    await watcher.cancel();

    const lease = space.lease(10, { autoKeepAlive: false });
    await lease.put("leased").value("yes");
    await lease.keepaliveOnce();
    seen.push(await space.get("leased").string());
    await lease.revoke();
    seen.push(await space.get("leased").string());

    const large = "v".repeat(1_000_000);
    await space.put("large").value(large);
    seen.push((await space.get("large").string())?.length);
    const error = await client.kv.txn({ compare: [], success: [{}], failure: [] } as never).then(
      () => "none",
      (cause: Error) => `${cause.constructor.name}: ${cause.message}`,
    );
    seen.push(error);
    await ended;
    return seen;
  } finally {
    client.close();
  }
}

Deno.test("etcd: unary calls, watches and leases, the same through the relay as direct", async () => {
  await using etcd = await startEtcd();
  if (etcd === undefined) return;
  const direct = await use(etcd.port, "direct/");
  await using relay = await startGrpcRelay({ providers: [{ name: "etcd", nodeUrls: [plain(etcd.port)] }] });
  const relayed = await use(relay.port, "relayed/");
  assertEquals(relayed, direct);
  await relay.listener.close(1_000);

  const { events } = relay.usage;
  const billed = (method: string) => events.filter(({ apiMethod }) => apiMethod === method);
  assert(
    billed("etcdserverpb.KV/Put").every(({ computeUnits, isWrite, success }) =>
      computeUnits === 40 && isWrite && success
    ),
  );
  assertEquals(billed("etcdserverpb.KV/Put").length, 6);
  assert(billed("etcdserverpb.KV/Range").every(({ computeUnits, success }) => computeUnits === 10 && success));
  const watches = billed("Default-etcdserverpb.Watch/Watch");
  assertEquals(watches.map(({ success, computeUnits, provider }) => [success, computeUnits, provider]), [[
    true,
    20,
    "etcd",
  ]]);
  assert(billed("Default-etcdserverpb.Lease/LeaseKeepAlive").length >= 1);
});
