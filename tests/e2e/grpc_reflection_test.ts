import { assert, assertEquals } from "@std/assert";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { GrpcClient, message, statusOf } from "../support/grpc_wire.ts";
import { plain, startGrpcRelay } from "../support/grpc_relay.ts";

const PROTO = `
syntax = "proto3";
package shop.v1;
message Item { string name = 1; int64 price = 2; }
message Query { string name = 1; }
service Shop { rpc Find (Query) returns (Item); }
`;

/** A request of reflection with one text in one of its fields. */
function ask(field: number, text: string): Uint8Array {
  return message(Uint8Array.of(field << 3 | 2, text.length, ...new TextEncoder().encode(text)));
}

/** What somebody learns who knows nothing but the address: the services, and the file that describes one. */
async function discover(port: number, version: string): Promise<string[]> {
  await using client = await GrpcClient.connect(port);
  const call = client.open(`/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`);
  const answers: string[] = [];
  for (const request of [ask(7, "*"), ask(4, "shop.v1.Shop"), ask(4, "no.Such")]) {
    const before = call.received;
    call.stream.sendData(request, false);
    await call.arrived(before + 6);
    const text = call.text();
    answers.push(text.slice(before));
  }
  call.stream.sendData(new Uint8Array(), true);
  await call.over.promise;
  assertEquals(statusOf(call), "0");
  return answers;
}

Deno.test("discovery by reflection, v1 and v1alpha, and a call of what was found, through the relay", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/shop.proto`, PROTO);
  const definition = loadSync(`${folder}/shop.proto`, { keepCase: true, longs: String });
  await Deno.remove(folder, { recursive: true });
  const server = new grpc.Server();
  new ReflectionService(definition).addToServer(server);
  server.addService(definition["shop.v1.Shop"] as grpc.ServiceDefinition, {
    Find: (call: grpc.ServerUnaryCall<{ name: string }, unknown>, respond: grpc.sendUnaryData<unknown>) =>
      respond(null, { name: call.request.name, price: 7 }),
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(
      "127.0.0.1:0",
      grpc.ServerCredentials.createInsecure(),
      (error, bound) => error ? reject(error) : resolve(bound),
    )
  );
  try {
    await using relay = await startGrpcRelay({ providers: [{ name: "a", nodeUrls: [plain(port)] }] });
    for (const version of ["v1", "v1alpha"]) {
      const direct = await discover(port, version);
      assert(direct[0]!.includes("shop.v1.Shop") && direct[1]!.includes("Query"));
      assertEquals(await discover(relay.port, version), direct);
    }
    assertEquals(relay.usage.events.length, 0);

    const client = new grpc.Client(`127.0.0.1:${relay.port}`, grpc.ChannelCredentials.createInsecure());
    const { requestSerialize, responseDeserialize } = (definition["shop.v1.Shop"] as grpc.ServiceDefinition)["Find"]!;
    const item = await new Promise((resolve, reject) =>
      client.makeUnaryRequest(
        "/shop.v1.Shop/Find",
        requestSerialize,
        responseDeserialize,
        { name: "tea" },
        (error, found) => error ? reject(error) : resolve(found),
      )
    );
    client.close();
    assertEquals(JSON.stringify(item), '{"name":"tea","price":"7"}');
    assertEquals(relay.usage.events.map(({ apiMethod }) => apiMethod), ["Default-shop.v1.Shop/Find"]);
  } finally {
    server.forceShutdown();
  }
});
