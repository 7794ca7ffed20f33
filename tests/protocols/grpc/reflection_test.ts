import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import { assertEquals, assertThrows } from "@std/assert";
import {
  decodeReflection,
  encodeReflection,
  methodTypes,
  missingFiles,
} from "../../../src/protocols/grpc/reflection.ts";

const field = (name: string, number: number, type: Type, typeName?: string) => ({
  name,
  number,
  type,
  label: Label.OPTIONAL,
  ...(typeName && { typeName }),
});

/** A service in one file, the type of its answers in another, as servers of C++ describe them: without names for JSON. */
const SERVICE = create(FileDescriptorProtoSchema, {
  name: "service.proto",
  package: "shop.v1",
  syntax: "proto3",
  dependency: ["item.proto"],
  messageType: [{ name: "Query", field: [field("item_name", 1, Type.STRING)] }],
  service: [{
    name: "Shop",
    method: [
      { name: "Find", inputType: ".shop.v1.Query", outputType: ".shop.v1.Item" },
      { name: "Watch", inputType: ".shop.v1.Query", outputType: ".shop.v1.Item", serverStreaming: true },
    ],
  }],
});
const ITEM = create(FileDescriptorProtoSchema, {
  name: "item.proto",
  package: "shop.v1",
  syntax: "proto3",
  messageType: [{
    name: "Item",
    field: [field("net_price", 1, Type.MESSAGE, ".shop.v1.Item.Price"), field("in_stock", 2, Type.BOOL)],
    nestedType: [{ name: "Price", field: [field("amount_cents", 1, Type.INT64)] }],
  }],
});

function answerOf(...files: readonly FileDescriptorProto[]): Uint8Array {
  const answer = new BinaryWriter().tag(1, 2).string("host").tag(4, 2).fork();
  for (const file of files) answer.tag(1, 2).bytes(toBinary(FileDescriptorProtoSchema, file));
  return answer.join().finish();
}

const known = (...files: readonly FileDescriptorProto[]) =>
  new Map(decodeReflection(answerOf(...files)).map((file) => [file.name, file]));

Deno.test("a method's messages, between JSON and bytes, by the files that describe it", () => {
  const files = known(SERVICE, ITEM);
  assertEquals(missingFiles(files), []);
  const types = methodTypes(files, "shop.v1.Shop/Find")!;
  assertEquals(types.encode('{"itemName":"tea"}'), Uint8Array.of(10, 3, 116, 101, 97));
  assertEquals(types.decode(Uint8Array.of(10, 2, 8, 42)), { netPrice: { amountCents: "42" }, inStock: false });
  assertThrows(() => types.encode('{"price":1}'));
  assertThrows(() => types.encode("tea"));
  assertThrows(() => types.decode(Uint8Array.of(10, 200)));
});

Deno.test("what is not described", () => {
  assertEquals(missingFiles(known(SERVICE)), ["item.proto"]);
  assertThrows(() => methodTypes(known(SERVICE), "shop.v1.Shop/Find"));
  for (const name of ["shop.v1.Shop/Watch", "shop.v1.Shop/Buy", "shop.v1.Other/Find", "shop.v1.Shop", ""]) {
    assertEquals(methodTypes(known(SERVICE, ITEM), name), undefined);
  }
});

Deno.test("questions, and answers that have no files or are none", () => {
  const read = (bytes: Uint8Array) => {
    const reader = new BinaryReader(bytes);
    return [reader.tag()[0], reader.string()];
  };
  assertEquals(read(encodeReflection({ symbol: "shop.v1.Shop" })), [4, "shop.v1.Shop"]);
  assertEquals(read(encodeReflection({ fileName: "item.proto" })), [3, "item.proto"]);
  assertEquals(decodeReflection(new BinaryWriter().tag(7, 2).fork().tag(1, 0).int32(5).join().finish()), []);
  assertEquals(decodeReflection(new Uint8Array()), []);
  assertThrows(() => decodeReflection(Uint8Array.of(34, 100, 1)));
});
