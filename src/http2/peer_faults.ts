import type { ConnectionStream } from "./connection_stream.ts";
import { ERROR_CODE } from "./error_code.ts";
import { violation } from "./frame_checks.ts";
import type { Patience } from "./patience.ts";
import type { StreamOutput } from "./stream_output.ts";
import type { StreamTable } from "./stream_table.ts";

/** What is done about a peer's mistakes that cost one stream and not the connection. */
export class PeerFaults {
  readonly #streams: StreamTable;
  readonly #output: StreamOutput;
  readonly #patience: Patience;

  constructor(streams: StreamTable, output: StreamOutput, patience: Patience) {
    this.#streams = streams;
    this.#output = output;
    this.#patience = patience;
  }

  /** Ends a stream because of what the peer did on it. */
  abort(stream: ConnectionStream, code: number): void {
    this.#patience.countNuisance();
    this.#output.sendReset(stream.id, code);
    stream.finish({ code, by: "self", isUnprocessed: false });
  }

  /** Resets a stream by its id, open or not. */
  reset(streamId: number, code: number): void {
    const stream = this.#streams.get(streamId);
    if (stream !== undefined) return this.abort(stream, code);
    this.#output.sendReset(streamId, code);
  }

  /** A frame of a stream that is over, or never was. */
  late(streamId: number, stream: ConnectionStream | undefined): void {
    if (this.#streams.isIdle(streamId)) throw violation("a frame of a stream that was never opened");
    this.#patience.countNuisance();
    if (stream !== undefined) this.abort(stream, ERROR_CODE.STREAM_CLOSED);
    else if (!this.#streams.wasResetHere(streamId)) this.reset(streamId, ERROR_CODE.STREAM_CLOSED);
  }
}
