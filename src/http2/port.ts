import type { HeaderFields } from "../domain/wire.ts";
import type { StreamEvents, WireStream } from "../domain/wire_stream.ts";

/** One header field: a name in lower case, and a value with one character for each of its bytes. */
export type Field = HeaderFields[number];

/** Header fields in the order of the wire, pseudo-headers first. */
export type Fields = HeaderFields;

/** A request that came in. */
export interface IncomingStream {
  readonly stream: WireStream;
  readonly fields: Fields;
  /** There is no body. */
  readonly isEnd: boolean;
  /** Address of the peer. */
  readonly peerAddress: string;
}

/** Limits and times of a connection. All have defaults. */
export interface Http2Limits {
  /** Streams that the peer may have open at once; more are refused. Default 1,000. */
  readonly maxStreams?: number;
  /** Bytes of a header list, counted as HTTP/2 does, 32 for each field on top. Default 65,536. */
  readonly maxHeaderListBytes?: number;
  /** Bytes that the peer may send on one stream before some are consumed. Default 256 KiB. */
  readonly streamWindowBytes?: number;
  /** The same for all streams of a connection together. Default 16 MiB. */
  readonly connectionWindowBytes?: number;
  /** Milliseconds for the peer's first SETTINGS to come. Default 10,000. */
  readonly handshakeTimeoutMs?: number;
  /**
   * Milliseconds without a word from the peer after which it is pinged, a server only while there are streams; 0 for
   * never. Default 60,000.
   */
  readonly keepaliveMs?: number;
  /** Milliseconds for a ping to be answered before the connection counts as lost. Default 20,000. */
  readonly keepaliveTimeoutMs?: number;
}

/** What a server is given. */
export interface Http2ServerOptions extends Http2Limits {
  readonly hostname: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Whether others may listen on it as well; default false. */
  readonly reusePort?: boolean;
  readonly tls?: { readonly certPem: string; readonly keyPem: string };
  /** Takes in a request; what comes back hears of the stream from then on. */
  onStream(incoming: IncomingStream): StreamEvents;
}

/** A server that listens. */
export interface Http2Server {
  readonly hostname: string;
  readonly port: number;
  /** Streams that are open, on all connections. */
  readonly openStreams: number;
  /** Connections that are open. */
  readonly openConnections: number;
  /** Takes no more connections and streams (GOAWAY), and comes back when the last stream has ended. */
  drain(): Promise<void>;
  /** Ends everything at once. */
  close(): Promise<void>;
}

/** What a client is given. */
export interface Http2ClientOptions extends Http2Limits {
  readonly hostname: string;
  readonly port: number;
  readonly tls?: ClientTls;
  /** Gives up connecting. */
  readonly signal?: AbortSignal;
}

/** How a client speaks TLS. */
export interface ClientTls {
  /** Trusted beside the platform's own authorities. */
  readonly caPem?: string;
  /** Shows who the client is. */
  readonly certPem?: string;
  readonly keyPem?: string;
}

/** One connection to a server, ready for requests. */
export interface Http2Client {
  /** Whether a request would be sent now: the connection is there, not on its way out, and has a stream free. */
  readonly canRequest: boolean;
  readonly openStreams: number;
  /** Opens a stream. Where that can't be, the stream ends at once as unprocessed. */
  request(fields: Fields, isEnd: boolean, events: StreamEvents): WireStream;
  /** Settles when no more requests can be sent: the server said GOAWAY, or the connection is lost. */
  readonly ending: Promise<void>;
  /** Settles when the connection is gone. */
  readonly closed: Promise<void>;
  /** Takes no more requests and closes when the last stream has ended. */
  drain(): Promise<void>;
  /** Ends everything at once. */
  close(): void;
}

/** A connection, or the words for why there is none. They never hold an address or a key. */
export type ConnectResult =
  | { readonly kind: "connected"; readonly client: Http2Client }
  | { readonly kind: "failure"; readonly reason: string };

/** HTTP/2, whoever speaks it. */
export interface Http2Wire {
  /** Starts a server. Rejects when the address is taken. */
  listen(options: Http2ServerOptions): Promise<Http2Server>;
  /** Connects, and comes back once the server has said its SETTINGS. Never rejects. */
  connect(options: Http2ClientOptions): Promise<ConnectResult>;
}
