import * as grpc from "@grpc/grpc-js";
import * as protoLoader from "@grpc/proto-loader";
import { assertEquals } from "@std/assert";
import { clearField, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { FieldDescriptorProtoSchema, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { stringify } from "yaml";
import { GrpcClient, statusOf } from "../support/grpc_wire.ts";
import { type LogLine, startRelay } from "../support/relay_process.ts";

/** What the relay asks of Cosmos nodes, as far as their own files have it, in two files. */
const TYPES = `
syntax = "proto3";
package cosmos.base.tendermint.v1beta1;
message BlockID { bytes hash = 1; }
message Header { string chain_id = 2; int64 height = 3; }
message Block { Header header = 1; }
message DefaultNodeInfoOther { string tx_index = 1; }
message DefaultNodeInfo { string network = 4; DefaultNodeInfoOther other = 8; }
`;
const SERVICE = `
syntax = "proto3";
package cosmos.base.tendermint.v1beta1;
import "types.proto";
message GetNodeInfoRequest {}
message GetNodeInfoResponse { DefaultNodeInfo default_node_info = 1; }
message GetLatestBlockRequest {}
message GetLatestBlockResponse { BlockID block_id = 1; Block block = 2; }
message GetBlockByHeightRequest { int64 height = 1; }
message GetBlockByHeightResponse { BlockID block_id = 1; Block block = 2; }
service Service {
  rpc GetNodeInfo (GetNodeInfoRequest) returns (GetNodeInfoResponse);
  rpc GetLatestBlock (GetLatestBlockRequest) returns (GetLatestBlockResponse);
  rpc GetBlockByHeight (GetBlockByHeightRequest) returns (GetBlockByHeightResponse);
}
`;

const PACKAGE = "cosmos.base.tendermint.v1beta1";
const NAME = `${PACKAGE}.Service`;

/**
 * Reflection as Go's older servers have it: version v1alpha, and each file by itself. The loader leaves names of types
 * relative, where compilers write them out, and names for JSON as they are.
 */
function addReflection(server: grpc.Server, service: grpc.ServiceDefinition): void {
  const { requestType } = service["GetNodeInfo"] as protoLoader.MethodDefinition<object, object>;
  const { fileDescriptorProtos } = requestType as unknown as { fileDescriptorProtos: Uint8Array[] };
  const full = (name: string) => name === "" || name.startsWith(".") ? name : `.${PACKAGE}.${name}`;
  const files = fileDescriptorProtos.map((bytes) => {
    const file = fromBinary(FileDescriptorProtoSchema, bytes);
    for (const field of file.messageType.flatMap(({ field }) => field)) {
      field.typeName = full(field.typeName);
      clearField(field, FieldDescriptorProtoSchema.field.jsonName);
    }
    for (const method of file.service.flatMap(({ method }) => method)) {
      method.inputType = full(method.inputType);
      method.outputType = full(method.outputType);
    }
    return file;
  });
  const fileOf = (request: Uint8Array) => {
    const reader = new BinaryReader(request);
    const [field] = reader.tag();
    const text = reader.string();
    const isMeant = (file: typeof files[number]) =>
      field === 3 ? file.name === text : file.service.some(({ name }) => `${PACKAGE}.${name}` === text);
    return files.find(isMeant);
  };
  const pass = (bytes: Uint8Array) => Buffer.from(bytes);
  const path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
  const streams = { requestStream: true, responseStream: true };
  const codec = {
    requestSerialize: pass,
    requestDeserialize: pass,
    responseSerialize: pass,
    responseDeserialize: pass,
  };
  server.addService({ info: { path, ...streams, ...codec } }, {
    info(call: grpc.ServerDuplexStream<Uint8Array, Uint8Array>) {
      call.on("data", (request: Uint8Array) => {
        const file = fileOf(request);
        const answer = new BinaryWriter();
        if (file === undefined) answer.tag(7, 2).fork().tag(1, 0).int32(5).join();
        else answer.tag(4, 2).fork().tag(1, 2).bytes(toBinary(FileDescriptorProtoSchema, file)).join();
        call.write(answer.finish());
      });
      call.on("end", () => call.end());
    },
  });
}

interface CosmosNode extends AsyncDisposable {
  readonly port: number;
  /** The height of the first block that it was asked for by one. */
  readonly askedFor: Promise<number>;
}

/** A node by grpc-js that says it is of `network`, and what it is made of where it has reflection. */
async function startCosmosNode(network: string, { hasReflection = true, height = 20_000 } = {}): Promise<CosmosNode> {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/types.proto`, TYPES);
  await Deno.writeTextFile(`${folder}/service.proto`, SERVICE);
  const definition = protoLoader.loadSync(`${folder}/service.proto`, {
    keepCase: true,
    longs: String,
    includeDirs: [folder],
  });
  await Deno.remove(folder, { recursive: true });
  const { promise: askedFor, resolve: onAsked } = Promise.withResolvers<number>();
  const blockAt = (height: number | string) => ({
    block_id: { hash: Buffer.from([1, 2, 3]) },
    block: { header: { chain_id: network, height: String(height) } },
  });
  const server = new grpc.Server();
  if (hasReflection) addReflection(server, definition[NAME] as grpc.ServiceDefinition);
  server.addService(definition[NAME] as grpc.ServiceDefinition, {
    GetNodeInfo: (_call: unknown, respond: grpc.sendUnaryData<unknown>) =>
      respond(null, { default_node_info: { network, other: { tx_index: "on" } } }),
    GetLatestBlock: (_call: unknown, respond: grpc.sendUnaryData<unknown>) => respond(null, blockAt(height)),
    GetBlockByHeight: (
      call: grpc.ServerUnaryCall<{ height: string }, unknown>,
      respond: grpc.sendUnaryData<unknown>,
    ) => {
      onAsked(Number(call.request.height));
      respond(null, blockAt(call.request.height));
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(
      "127.0.0.1:0",
      grpc.ServerCredentials.createInsecure(),
      (error, bound) => error ? reject(error) : resolve(bound),
    )
  );
  return { port, askedFor, [Symbol.asyncDispose]: () => Promise.resolve(server.forceShutdown()) };
}

for (const http2 of ["frames", "node"]) {
  Deno.test(`--grpc-http2=${http2}: gRPC nodes are asked for their block, and verified, by what reflection says of their services`, async () => {
    await using good = await startCosmosNode("cosmoshub-4");
    await using wrong = await startCosmosNode("osmosis-1");
    await using silent = await startCosmosNode("cosmoshub-4", { hasReflection: false, height: 19_990 });
    const chain = { "chain-id": "COSMOSHUB", "api-interface": "grpc" };
    const provider = (name: string, { port }: CosmosNode) => ({
      name,
      ...chain,
      "node-urls": [{ url: `grpc://127.0.0.1:${port}`, "grpc-config": { "allow-insecure": true } }],
    });
    const path = await Deno.makeTempFile({ suffix: ".yml" });
    await Deno.writeTextFile(
      path,
      stringify({
        "endpoints": [{ ...chain, "network-address": "127.0.0.1:0" }],
        "static-providers": [provider("good", good), provider("wrong", wrong), provider("silent", silent)],
      }),
    );
    try {
      await using relay = await startRelay([path, "--relays-health-enable=true", `--grpc-http2=${http2}`]);
      const isLeftOut = ({ message }: LogLine) => String(message).includes("is left out");
      const left = await relay.logged(isLeftOut);
      assertEquals([left["provider"], left["verification"]], ["wrong", "chain-id"]);

      await using client = await GrpcClient.connect(Number(new URL(relay.urls[0]!).port));
      const ask = (provider: string) =>
        client.call(`/${NAME}/GetLatestBlock`, "", [["lava-select-provider", provider]]);
      // From the end of its verification on.
      while (statusOf(await ask("wrong")) === "0");
      for (const provider of ["good", "silent"]) assertEquals(statusOf(await ask(provider)), "0");
      assertEquals(await good.askedFor, 20_000 - 14_400, "the block that a node is to have still");
      assertEquals(relay.log.filter(isLeftOut).every(({ provider }) => provider === "wrong"), true);
    } finally {
      await Deno.remove(path);
    }
  });
}
