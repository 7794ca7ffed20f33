import type { Codec } from "../../domain/codec.ts";
import { checkUri } from "../uri.ts";
import { RestCall } from "./call.ts";
import { encodeError } from "./errors.ts";

/** The codec of REST: verb, path, query and body as they come, of whatever type. */
export function createRestCodec(): Codec {
  return {
    verbs: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
    decode(request) {
      const error = checkUri(request.path, request.query);
      return error === undefined
        ? { kind: "call", call: new RestCall(request) }
        : { kind: "response", response: encodeError(error) };
    },
    encodeError,
  };
}
