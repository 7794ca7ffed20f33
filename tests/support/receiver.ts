/** A small OTLP/HTTP receiver: what a collector sees of the relay. Takes Protobuf and JSON, as real ones do. */
import { decodeProtobufRequest } from "./otlp_protobuf.ts";

/** One usage record as it arrived. */
export interface ReceivedRecord {
  /** `relay_usage` or `optimizer_qos`. */
  readonly event: string;
  readonly timeUnixNano: string;
  /** Attributes by name. */
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** OTLP type of each attribute: `stringValue`, `intValue`, `doubleValue`, `boolValue`. */
  readonly types: Readonly<Record<string, string>>;
  /** The record as it stood in the request. */
  readonly raw: Readonly<Record<string, unknown>>;
  /** Resource attributes by name: which process sent it. */
  readonly resource: Readonly<Record<string, string | number | boolean>>;
}

/** A receiver that listens. */
export interface Receiver extends AsyncDisposable {
  /** URL of its logs endpoint. */
  readonly url: string;
  /** Everything that has arrived, in order. */
  readonly records: readonly ReceivedRecord[];
  /** Comes back when at least `count` records have arrived; throws after `timeoutMs`. */
  waitFor(count: number, timeoutMs?: number): Promise<void>;
}

/** Starts a receiver on a free port of loopback. `onRecord` sees each record as it arrives. */
export function startReceiver(onRecord: (record: ReceivedRecord) => void = () => {}): Receiver {
  const records: ReceivedRecord[] = [];
  let onArrival = () => {};
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    if (request.method !== "POST" || new URL(request.url).pathname !== "/v1/logs") {
      return new Response("this receiver takes POST /v1/logs", { status: 404 });
    }
    for (const record of readRecords(await readBody(request))) {
      records.push(record);
      onRecord(record);
    }
    onArrival();
    return Response.json({});
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/v1/logs`,
    records,
    async waitFor(count, timeoutMs = 10_000) {
      if (records.length >= count) return;
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${records.length} of ${count} records arrived`)), timeoutMs);
        onArrival = () => {
          if (records.length < count) return;
          clearTimeout(timer);
          resolve();
        };
      });
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

type KeyValues = readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];

interface LogRecord {
  readonly timeUnixNano: string;
  readonly body: { readonly stringValue: string };
  readonly attributes: KeyValues;
}

interface LogsRequest {
  readonly resourceLogs: readonly {
    readonly resource: { readonly attributes: KeyValues };
    readonly scopeLogs: readonly { readonly logRecords: readonly LogRecord[] }[];
  }[];
}

async function readBody(request: Request): Promise<LogsRequest> {
  if (request.headers.get("content-type") === "application/json") return await request.json();
  return withTexts(decodeProtobufRequest(await request.bytes())) as LogsRequest;
}

/** The same, with texts where Protobuf has bytes. */
function withTexts(value: unknown): unknown {
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  if (Array.isArray(value)) return value.map(withTexts);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withTexts(member)]));
}

function readRecords(request: LogsRequest): ReceivedRecord[] {
  return request.resourceLogs.flatMap(({ resource, scopeLogs }) =>
    scopeLogs.flatMap(({ logRecords }) =>
      logRecords.map((raw) => ({
        event: raw.body.stringValue,
        timeUnixNano: raw.timeUnixNano,
        attributes: valuesOf(raw.attributes),
        types: Object.fromEntries(raw.attributes.map(({ key, value }) => [key, Object.keys(value)[0]!])),
        raw: { ...raw },
        resource: valuesOf(resource.attributes),
      }))
    )
  );
}

/** Values by name. OTLP's JSON may write 64-bit integers as text. */
function valuesOf(pairs: KeyValues): Record<string, string | number | boolean> {
  return Object.fromEntries(pairs.map(({ key, value }) => {
    const [type, content] = Object.entries(value)[0]!;
    return [key, type === "intValue" ? Number(content) : content as string | number | boolean];
  }));
}
