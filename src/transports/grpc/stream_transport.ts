import type { Clock } from "../../domain/clock.ts";
import { failure } from "../../domain/relay_error.ts";
import type { HeaderFields } from "../../domain/wire.ts";
import type { StreamEvents, StreamFailure } from "../../domain/wire_stream.ts";
import type { Http2Client, Http2Wire } from "../../http2/port.ts";
import type { NodeUrl } from "../../providers/provider.ts";
import type { StreamOpener, StreamRequest, StreamTransport } from "../../providers/stream_transport.ts";
import { ChannelPool, type PoolOptions } from "./pool.ts";
import { formatTimeout } from "../../domain/grpc_timeout.ts";

/** What the transport works with. */
export interface GrpcTransportDeps {
  readonly wire: Http2Wire;
  readonly clock: Clock;
  random(): number;
}

/** Options of the transport, resolved. */
export interface GrpcTransportOptions extends PoolOptions {
  /** Milliseconds without a word from a node with calls after which it is pinged; 0 for never. */
  readonly keepaliveMs: number;
  /** Milliseconds for the answer to a ping. */
  readonly keepaliveTimeoutMs: number;
}

/** Reaches nodes over HTTP/2, through a pool of channels for each URL. */
export class GrpcTransport implements StreamTransport {
  readonly #deps: GrpcTransportDeps;
  readonly #options: GrpcTransportOptions;
  readonly #targets = new Map<NodeUrl, Target>();
  #isClosed = false;

  constructor(deps: GrpcTransportDeps, options: GrpcTransportOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  open(nodeUrl: NodeUrl, request: StreamRequest, opener: StreamOpener): () => void {
    if (this.#isClosed) {
      opener.onUnreachable(failure("shutting_down", "the relay is shutting down").error);
      return () => {};
    }
    const target = this.#targetOf(nodeUrl);
    return target.pool.acquire({
      isPatient: request.isPatient,
      since: this.#deps.clock.monotonic(),
      go: (client) => this.#request(client, target, nodeUrl, request, opener),
      fail: (reason) => opener.onUnreachable(failure("upstream_unreachable", reason).error),
    });
  }

  /** Closes the channels to all other nodes, none of which has a call. */
  keepOnly(nodeUrls: ReadonlySet<NodeUrl>): void {
    for (const [nodeUrl, { pool }] of this.#targets) {
      if (nodeUrls.has(nodeUrl)) continue;
      this.#targets.delete(nodeUrl);
      void pool.close();
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#targets.values()].map(({ pool }) => pool.close()));
  }

  #request(client: Http2Client, target: Target, nodeUrl: NodeUrl, request: StreamRequest, opener: StreamOpener): void {
    const fields = [...target.head, [":path", request.path] as const, ...requestFields(nodeUrl, request)];
    const stream = client.request(fields, false, new Released(opener, target.pool));
    opener.onOpen(stream);
  }

  #targetOf(nodeUrl: NodeUrl): Target {
    let target = this.#targets.get(nodeUrl);
    if (target === undefined) this.#targets.set(nodeUrl, target = this.#createTarget(nodeUrl));
    return target;
  }

  #createTarget({ target, tls }: NodeUrl): Target {
    const { wire, clock, random } = this.#deps;
    const { keepaliveMs, keepaliveTimeoutMs, ...poolOptions } = this.#options;
    const { hostname, port, isSecure, authority } = parseTarget(target);
    const connect = (signal: AbortSignal) =>
      wire.connect({
        hostname,
        port,
        signal,
        keepaliveMs,
        keepaliveTimeoutMs,
        ...(isSecure && { tls: tls ?? {} }),
      });
    return {
      pool: new ChannelPool({ clock, random, connect }, poolOptions),
      head: [[":method", "POST"], [":scheme", isSecure ? "https" : "http"], [":authority", authority]],
    };
  }
}

interface Target {
  readonly pool: ChannelPool;
  /** The pseudo-headers that are the same for all calls. */
  readonly head: HeaderFields;
}

/** Where a target such as `grpcs://host:port` leads. */
function parseTarget(target: string): { hostname: string; port: number; isSecure: boolean; authority: string } {
  const isSecure = target.startsWith("grpcs:");
  // The runtime's URL knows no default port for these schemes, and takes the host as it is.
  const url = new URL(target.replace(/^grpcs?:/, isSecure ? "https:" : "http:"));
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  return { hostname, port: Number(url.port) || (isSecure ? 443 : 80), isSecure, authority: url.host };
}

/** Fields of a request behind the pseudo-headers. What authenticates takes the place of what the caller sent. */
function requestFields(nodeUrl: NodeUrl, { headers, clientAddress, timeoutMs }: StreamRequest): HeaderFields {
  const own = new Set(nodeUrl.headers.map(([name]) => name));
  const fields: (readonly [string, string])[] = [["te", "trailers"]];
  if (timeoutMs !== undefined) fields.push(["grpc-timeout", formatTimeout(timeoutMs)]);
  // A second `te`, as the relay's own questions have it, is more than the runtime's HTTP/2 allows.
  for (const field of headers) if (field[0] !== "te" && !own.has(field[0])) fields.push(field);
  if (nodeUrl.forwardsAddress && clientAddress !== "") fields.push(["x-forwarded-for", clientAddress]);
  fields.push(...nodeUrl.headers);
  return fields;
}

/** Tells the pool of the end of a stream, and its user of everything. */
class Released implements StreamEvents {
  readonly #user: StreamEvents;
  readonly #pool: ChannelPool;

  constructor(user: StreamEvents, pool: ChannelPool) {
    this.#user = user;
    this.#pool = pool;
  }

  onHead(fields: HeaderFields, isEnd: boolean): void {
    this.#user.onHead(fields, isEnd);
  }

  onData(chunk: Uint8Array, isEnd: boolean): void {
    this.#user.onData(chunk, isEnd);
  }

  onTrailers(fields: HeaderFields): void {
    this.#user.onTrailers(fields);
  }

  onWritten(bytes: number): void {
    this.#user.onWritten(bytes);
  }

  onEnd(failed: StreamFailure | undefined): void {
    this.#user.onEnd(failed);
    this.#pool.onFree();
  }
}
