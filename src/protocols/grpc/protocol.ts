import { failure } from "../../domain/relay_error.ts";
import type { StreamProtocol } from "../../domain/stream_call.ts";
import { errorTrailers, trailersOnly } from "./errors.ts";
import { MessageScanner } from "./message_scanner.ts";
import { readHead, readTrailers } from "./read_answer.ts";
import { STATUS } from "./status.ts";

/** Options of {@linkcode createGrpcProtocol}. */
export interface GrpcProtocolOptions {
  /** Most bytes of one message of a client. */
  readonly maxRequestBytes: number;
  /** Most bytes of one message of a node. */
  readonly maxAnswerBytes: number;
}

/** gRPC, as the relay of streams sees it. */
export function createGrpcProtocol({ maxRequestBytes, maxAnswerBytes }: GrpcProtocolOptions): StreamProtocol {
  return {
    scanRequest: () => new MessageScanner(maxRequestBytes),
    scanAnswer() {
      const scanner = new MessageScanner(maxAnswerBytes);
      return {
        get messages() {
          return scanner.messages;
        },
        get isAtBoundary() {
          return scanner.isAtBoundary;
        },
        push(chunk) {
          const error = scanner.push(chunk);
          if (error === undefined) return undefined;
          return failure(error.code === "body_too_large" ? "answer_too_large" : "malformed_answer", error.message)
            .error;
        },
      };
    },
    readHead,
    readTrailers,
    errorHead: (error) => trailersOnly(errorTrailers(error)),
    // A stream that is cut off because the relay stops has been cancelled; one that has not begun can go elsewhere.
    errorTrailers: (error) =>
      error.code === "shutting_down" ? errorTrailers(error, STATUS.CANCELLED) : errorTrailers(error),
  };
}
