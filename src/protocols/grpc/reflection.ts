import {
  createFileRegistry,
  type DescMethodUnary,
  fromBinary,
  fromJson,
  type JsonValue,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { protoCamelCase } from "@bufbuild/protobuf/reflect";
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { type DescriptorProto, type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

/** The versions of gRPC's reflection service, the newer one first. Their messages are the same. */
export const REFLECTION_PATHS: readonly string[] = ["v1", "v1alpha"].map((version) =>
  `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`
);

/** What reflection is asked for: the file that describes a service, or a file by its name. */
export type ReflectionQuestion = { readonly symbol: string } | { readonly fileName: string };

/** Field numbers of `ServerReflectionRequest`, `ServerReflectionResponse` and `FileDescriptorResponse`. */
const FILE_BY_NAME = 3;
const FILE_OF_SYMBOL = 4;
const FILES = 4;
const FILE = 1;

/** A `ServerReflectionRequest`. */
export function encodeReflection(question: ReflectionQuestion): Uint8Array<ArrayBuffer> {
  const [field, text] = "symbol" in question ? [FILE_OF_SYMBOL, question.symbol] : [FILE_BY_NAME, question.fileName];
  return new BinaryWriter().tag(field, 2).string(text).finish();
}

/** The files of a `ServerReflectionResponse`; none when it is an error. Throws when it is malformed. */
export function decodeReflection(message: Uint8Array): FileDescriptorProto[] {
  const files: FileDescriptorProto[] = [];
  for (const response of fieldsOf(message, FILES)) {
    for (const bytes of fieldsOf(response, FILE)) {
      const file = fromBinary(FileDescriptorProtoSchema, bytes);
      file.messageType.forEach(nameFields);
      files.push(file);
    }
  }
  return files;
}

/** Gives the fields of a message the names that they have in JSON. Servers of C++ and Python leave them out. */
function nameFields({ field: fields, nestedType }: DescriptorProto): void {
  for (const field of fields) if (field.jsonName === "") field.jsonName = protoCamelCase(field.name);
  nestedType.forEach(nameFields);
}

/** The contents of each field of that number. */
function fieldsOf(message: Uint8Array, number: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === number && type === 2) found.push(reader.bytes());
    else reader.skip(type, field);
  }
  return found;
}

/** The messages of one unary method, between JSON as Protobuf maps it and bytes. */
export interface MethodTypes {
  /** Throws when the text is not JSON of the request's type. */
  encode(json: string): Uint8Array;
  /** Throws when the bytes are not a response. Fields without a value have their defaults. */
  decode(message: Uint8Array): unknown;
}

/** Names of files that others import and that are not among them. */
export function missingFiles(files: ReadonlyMap<string, FileDescriptorProto>): string[] {
  const imported = [...files.values()].flatMap(({ dependency }) => dependency);
  return [...new Set(imported)].filter((name) => !files.has(name));
}

/** The types of `package.Service/Method` by the files that describe it; undefined when they do not. Throws when they are faulty. */
export function methodTypes(files: ReadonlyMap<string, FileDescriptorProto>, apiName: string): MethodTypes | undefined {
  const [serviceName = "", methodName = ""] = apiName.split("/");
  const file = [...files.values()].find(({ package: scope, service }) =>
    service.some(({ name }) => (scope === "" ? name : `${scope}.${name}`) === serviceName)
  );
  if (file === undefined) return undefined;
  const registry = createFileRegistry(file, (name) => files.get(name));
  const method = registry.getService(serviceName)?.methods.find(({ name }) => name === methodName);
  if (method?.methodKind !== "unary") return undefined;
  const { input, output } = method as DescMethodUnary;
  return {
    encode: (json) => toBinary(input, fromJson(input, JSON.parse(json) as JsonValue, { registry })),
    decode: (message) => toJson(output, fromBinary(output, message), { registry, alwaysEmitImplicit: true }),
  };
}
