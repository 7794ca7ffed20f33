import type { FileDescriptorProto } from "@bufbuild/protobuf/wkt";
import { createCall } from "../protocols/grpc/call.ts";
import {
  decodeReflection,
  encodeReflection,
  type MethodTypes,
  methodTypes,
  missingFiles,
  REFLECTION_PATHS,
  type ReflectionQuestion,
} from "../protocols/grpc/reflection.ts";
import type { Clock } from "../domain/clock.ts";
import type { NodeUrl } from "../providers/provider.ts";
import type { Transport } from "../providers/transport.ts";
import type { NodeWording } from "./node_wording.ts";

/** Most files that are fetched to understand one service. */
const MAX_FILES = 256;
/** How long a node that could not describe a service is not asked for it again, milliseconds. */
const RETRY_MS = 300_000;
/** Bytes before a message: a flag and its length. */
const PREFIX_BYTES = 5;

/**
 * Questions to gRPC nodes. Chain specs word them in JSON, so that it takes the descriptors of a service to put them into
 * bytes: a node is asked for them by reflection, and what one has said holds for all nodes of the chain.
 */
export function createGrpcWording(transport: Transport, clock: Clock): NodeWording {
  const known = new Map<string, MethodTypes>();
  /** Until when nodes are not asked again what an API is. */
  const silence = new WeakMap<NodeUrl, Map<string, number>>();

  async function learn(apiName: string, nodeUrl: NodeUrl, signal: AbortSignal): Promise<MethodTypes | undefined> {
    const silentUntil = silence.get(nodeUrl) ?? new Map<string, number>();
    silence.set(nodeUrl, silentUntil);
    if (clock.monotonic() < (silentUntil.get(apiName) ?? 0)) return undefined;
    const types = await describe(transport, nodeUrl, apiName, signal).catch(() => undefined);
    if (types !== undefined) known.set(apiName, types);
    else if (!signal.aborted) silentUntil.set(apiName, clock.monotonic() + RETRY_MS);
    return types;
  }

  return {
    pathOf: () => "",
    sample: ({ apiName }) => apiName.includes("/") ? call(`/${apiName}`, new Uint8Array()) : undefined,
    async put({ apiName }, text, { nodeUrl }, signal) {
      const types = known.get(apiName) ?? await learn(apiName, nodeUrl, signal);
      if (types === undefined) return "it does not describe the service by reflection";
      try {
        return call(`/${apiName}`, types.encode(text === "" ? "{}" : text));
      } catch {
        return "the chain spec's question does not fit the node's description of the service";
      }
    },
    read(query, body) {
      const types = known.get(query.apiName);
      if (types === undefined || body === null) return undefined;
      try {
        const answer = types.decode(messageOf(body));
        return query.readWhole === undefined ? query.read(answer) : query.readWhole({ result: answer });
      } catch {
        return undefined;
      }
    },
  };
}

function call(path: string, message: Uint8Array) {
  const body = new Uint8Array(PREFIX_BYTES + message.length);
  body.set(message, PREFIX_BYTES);
  new DataView(body.buffer).setUint32(1, message.length);
  return createCall(path, [["content-type", "application/grpc"], ["te", "trailers"]], body);
}

/** The one message of an answer. Throws when it is compressed, which nobody asked for, or not whole. */
function messageOf(body: Uint8Array): Uint8Array {
  const length = body.length < PREFIX_BYTES ? -1 : new DataView(body.buffer, body.byteOffset).getUint32(1);
  if (length !== body.length - PREFIX_BYTES || body[0] !== 0) throw new TypeError("not one plain message");
  return body.subarray(PREFIX_BYTES);
}

/** Asks a node what a method's messages are made of; undefined when it does not say. */
async function describe(
  transport: Transport,
  nodeUrl: NodeUrl,
  apiName: string,
  signal: AbortSignal,
): Promise<MethodTypes | undefined> {
  for (const path of REFLECTION_PATHS) {
    const ask = async (question: ReflectionQuestion) => {
      const { nodeRequest, readReply } = call(path, encodeReflection(question));
      const sent = await transport.send(nodeUrl, nodeRequest, "", signal);
      const reading = sent.kind === "reply" ? readReply(sent.reply) : sent;
      const isAnswer = reading.kind === "answer" && reading.nodeError === undefined && reading.body !== null;
      return isAnswer ? decodeReflection(messageOf(reading.body)) : [];
    };
    const files = new Map<string, FileDescriptorProto>();
    const add = (found: readonly FileDescriptorProto[]) => found.forEach((file) => files.set(file.name, file));
    add(await ask({ symbol: apiName.split("/")[0]! }));
    if (files.size === 0) continue;
    for (let missing = missingFiles(files); missing.length > 0; missing = missingFiles(files)) {
      const found = await ask({ fileName: missing[0]! });
      if (found.length === 0 || files.size + found.length > MAX_FILES) return undefined;
      add(found);
    }
    return methodTypes(files, apiName);
  }
  return undefined;
}
