import type { Codec } from "../../domain/codec.ts";
import { failure } from "../../domain/relay_error.ts";
import { decodeJsonRpc, encodeJsonRpcError, type JsonRpcCodecOptions } from "../jsonrpc/codec.ts";
import type { Dialect } from "../jsonrpc/dialect.ts";
import { checkUri } from "../uri.ts";
import { encodeUriError, UriCall } from "./call.ts";
import { errorObject } from "./errors.ts";
import { classifyNodeError } from "./node_errors.ts";

const TENDERMINT: Dialect = { version: "2.0", classify: classifyNodeError, errorObject };

/** Where nodes serve WebSockets. */
const SOCKET_PATHS = ["/websocket", "/ws"];

/** The codec of Tendermint's RPC over HTTP: JSON-RPC with `POST`, and `GET /method?argument=value`. */
export function createTendermintCodec(options: JsonRpcCodecOptions): Codec {
  return {
    verbs: ["POST", "GET", "HEAD"],
    decode(request) {
      const { verb, path, query } = request;
      if (verb === "POST") return decodeJsonRpc(request, options, TENDERMINT);
      const error = checkUri(path, query) ?? notAMethod(path);
      return error === undefined
        ? { kind: "call", call: new UriCall(path, query) }
        : { kind: "response", response: encodeUriError(error) };
    },
    encodeError: (error) => encodeJsonRpcError(error, TENDERMINT),
  };
}

function notAMethod(path: string) {
  if (SOCKET_PATHS.includes(path)) return failure("unsupported_api", `${path} needs a WebSocket connection`).error;
  return path === "" || path === "/" ? failure("unsupported_api", "name a method, such as /status").error : undefined;
}
