import type { Cancellation } from "../../domain/cancellation.ts";
import { concatBytes } from "../../domain/bytes.ts";
import { failure, type RelayError } from "../../domain/relay_error.ts";
import type { HeaderFields, NodeRequest } from "../../domain/wire.ts";
import type { StreamFailure, WireStream } from "../../domain/wire_stream.ts";
import type { NodeUrl } from "../../providers/provider.ts";
import type { StreamOpener, StreamTransport } from "../../providers/stream_transport.ts";
import type { SendResult, Transport } from "../../providers/transport.ts";

/** HTTP/2's code of a reset that means: the call is no longer wanted. */
const CANCEL = 8;

/** Makes whole calls over streams: one request, and the reply when it is complete, of `maxReplyBytes` at the most. */
export function createUnaryTransport(streams: StreamTransport, maxReplyBytes: number): Transport {
  return {
    send: (nodeUrl, request, clientAddress, signal) =>
      new Promise((resolve) =>
        new UnaryCall(request, maxReplyBytes, resolve).start(streams, nodeUrl, clientAddress, signal)
      ),
  };
}

/** One call, from its request to the result. */
class UnaryCall implements StreamOpener {
  readonly #request: NodeRequest;
  readonly #maxReplyBytes: number;
  readonly #resolve: (result: SendResult) => void;
  #stream: WireStream | undefined;
  #head: HeaderFields = [];
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #isOver = false;

  constructor(request: NodeRequest, maxReplyBytes: number, resolve: (result: SendResult) => void) {
    this.#request = request;
    this.#maxReplyBytes = maxReplyBytes;
    this.#resolve = resolve;
  }

  start(streams: StreamTransport, nodeUrl: NodeUrl, clientAddress: string, signal: Cancellation): void {
    const { path, headers } = this.#request;
    const giveUp = streams.open(
      nodeUrl,
      { path, headers, clientAddress, timeoutMs: undefined, isPatient: false },
      this,
    );
    signal.addEventListener("abort", () => {
      giveUp();
      this.#fail(failure("client_closed", "given up").error);
    }, { once: true });
  }

  onOpen(stream: WireStream): void {
    if (this.#isOver) return stream.reset(CANCEL);
    this.#stream = stream;
    stream.sendData(this.#request.body ?? new Uint8Array(), true);
  }

  onUnreachable(error: RelayError): void {
    this.#fail(error);
  }

  onHead(fields: HeaderFields, isEnd: boolean): void {
    this.#head = fields;
    if (isEnd) this.#reply([]);
  }

  onData(chunk: Uint8Array, isEnd: boolean): void {
    if (this.#isOver) return;
    this.#bytes += chunk.length;
    if (this.#bytes > this.#maxReplyBytes) {
      return this.#fail(failure("answer_too_large", `the answer is larger than ${this.#maxReplyBytes} bytes`).error);
    }
    this.#chunks.push(chunk.slice());
    this.#stream?.consume(chunk.length);
    if (isEnd) this.#reply([]);
  }

  onTrailers(fields: HeaderFields): void {
    this.#reply(fields);
  }

  onWritten(): void {}

  onEnd(ended: StreamFailure | undefined): void {
    if (ended?.isUnprocessed) this.#fail(failure("upstream_unreachable", "the node takes no calls").error);
    else this.#fail(failure("upstream_disconnected", "the stream broke before the answer was complete").error);
  }

  #reply(trailers: HeaderFields): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const status = Number(this.#head.find(([name]) => name === ":status")?.[1]);
    const body = concatBytes(this.#chunks);
    this.#resolve({ kind: "reply", reply: { status, headers: this.#head, body, trailers, retryAfterMs: 0 } });
  }

  #fail(error: RelayError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stream?.reset(CANCEL);
    this.#resolve({ kind: "failure", error });
  }
}
