import { systemClock } from "../../src/domain/clock.ts";
import { fieldOf, type HeaderFields } from "../../src/domain/wire.ts";
import { createDenoWire } from "../../src/http2/deno_wire.ts";
import type { Http2Client, Http2Limits, Http2Server, IncomingStream } from "../../src/http2/port.ts";
import { accept, requestFields, Side } from "./http2_streams.ts";

/** A message as gRPC frames it. */
export function message(body: string | Uint8Array, flag = 0): Uint8Array {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const framed = new Uint8Array(5 + bytes.length);
  framed[0] = flag;
  new DataView(framed.buffer).setUint32(1, bytes.length);
  framed.set(bytes, 5);
  return framed;
}

export const ANSWER_HEAD: HeaderFields = [[":status", "200"], ["content-type", "application/grpc"]];

/** A node whose calls are in the test's hands. */
export interface GrpcNode extends AsyncDisposable {
  readonly port: number;
  readonly server: Http2Server;
  /** Calls that came, in order. */
  readonly calls: { readonly side: Side; readonly incoming: IncomingStream }[];
  /** The call of that number, when it has come. */
  call(index: number): Promise<{ readonly side: Side; readonly incoming: IncomingStream }>;
}

/** Starts a node; `onCall` may answer at once. */
export async function startGrpcNode(
  onCall: (side: Side, incoming: IncomingStream) => void = () => {},
  limits: Http2Limits & { readonly port?: number } = {},
): Promise<GrpcNode> {
  const calls: { readonly side: Side; readonly incoming: IncomingStream }[] = [];
  const waiting: { readonly index: number; readonly resolve: () => void }[] = [];
  const server = await createDenoWire(systemClock).listen({
    hostname: "127.0.0.1",
    port: 0,
    ...limits,
    onStream(incoming) {
      const side = accept(incoming);
      calls.push({ side, incoming });
      for (const { index, resolve } of waiting) if (index < calls.length) resolve();
      onCall(side, incoming);
      return side;
    },
  });
  return {
    port: server.port,
    server,
    calls,
    async call(index) {
      if (index >= calls.length) await new Promise<void>((resolve) => waiting.push({ index, resolve }));
      return calls[index]!;
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

/** Answers with one message and a status. */
export function answerWith(side: Side, body: string, status = "0", more: HeaderFields = []): void {
  side.stream.sendHead(ANSWER_HEAD, false);
  side.stream.sendData(message(body), false);
  side.stream.sendTrailers([["grpc-status", status], ...more]);
}

/** Answers with a status alone. */
export function failWith(side: Side, status: string, text = ""): void {
  side.stream.sendHead([...ANSWER_HEAD, ["grpc-status", status], ["grpc-message", text]], true);
}

/** A client of a relay or a node. */
export class GrpcClient implements AsyncDisposable {
  readonly client: Http2Client;

  constructor(client: Http2Client) {
    this.client = client;
  }

  static async connect(port: number): Promise<GrpcClient> {
    const connected = await createDenoWire(systemClock).connect({ hostname: "127.0.0.1", port });
    if (connected.kind === "failure") throw new Error(connected.reason);
    return new GrpcClient(connected.client);
  }

  /** Opens a call. */
  open(path: string, metadata: HeaderFields = []): Side {
    const side = new Side();
    const fields = requestFields(path, [["content-type", "application/grpc"], ["te", "trailers"], ...metadata]);
    side.stream = this.client.request(fields, false, side);
    return side;
  }

  /** Makes a unary call, and waits for its end. */
  async call(path: string, body: string | Uint8Array = "ping", metadata: HeaderFields = []): Promise<Side> {
    const side = this.open(path, metadata);
    side.stream.sendData(message(body), true);
    await side.over.promise;
    return side;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await this.client.closed;
  }
}

/** The status of a call, wherever it stands; undefined for none. */
export function statusOf(side: Side): string | undefined {
  return fieldOf(side.trailers ?? side.head ?? [], "grpc-status");
}

/** The message of a status. */
export function statusTextOf(side: Side): string {
  return decodeURIComponent(fieldOf(side.trailers ?? side.head ?? [], "grpc-message") ?? "");
}
