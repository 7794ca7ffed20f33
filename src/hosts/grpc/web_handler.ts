import type { Clock } from "../../domain/clock.ts";
import type { HeaderFields } from "../../domain/wire.ts";
import { errorTrailers, trailersOnly } from "../../protocols/grpc/errors.ts";
import { decodeText, type WebFormat, webFormatOf } from "../../protocols/grpc/web.ts";
import type { Cors } from "../cors.ts";
import type { ConnectionInfo } from "../fetch_handler.ts";
import { FetchRequest } from "../fetch_request.ts";
import { toResponse } from "../http_response.ts";
import { type BodyLimits, BodyReader } from "../read_body.ts";
import type { GrpcHandler } from "./grpc_handler.ts";
import { WebStream } from "./web_stream.ts";

/** What the handler works with. */
export interface GrpcWebHandlerDeps {
  readonly handler: Pick<GrpcHandler, "onStream">;
  readonly cors: Cors;
  readonly clock: Clock;
}

/** Header fields that belong to the hop, or to browsers. */
const NOT_METADATA =
  /^(?:accept.*|connection|content-length|content-type|cookie|host|keep-alive|sec-.*|te|transfer-encoding|upgrade)$/;

/**
 * Serves gRPC-Web, unary calls and streams of answers, as `Request` and `Response`: on any platform that has these two,
 * and to browsers.
 */
export class GrpcWebHandler {
  readonly #deps: GrpcWebHandlerDeps;
  /** Bodies that are read while the handler stops are read on: calls are refused by the gRPC handler. */
  readonly #bodies: BodyReader;

  constructor(deps: GrpcWebHandlerDeps, limits: BodyLimits) {
    this.#deps = deps;
    this.#bodies = new BodyReader(limits, deps.clock);
  }

  /** Answers one request. Never rejects. */
  async fetch(request: Request, info: ConnectionInfo = {}): Promise<Response> {
    const { cors, handler } = this.#deps;
    if (request.method === "OPTIONS") return toResponse(cors.preflight(request.headers));
    const corsHeaders = cors.headersFor(request.headers.get("origin"));
    const format = webFormatOf(request.headers.get("content-type") ?? "");
    if (!URL.canParse(request.url)) return new Response(null, { status: 400 });
    if (request.method !== "GET" && format === undefined) return new Response(null, { status: 415 });

    const read = await this.#bodies.read(new FetchRequest(request, "", this.#deps.clock));
    const stream = new WebStream(format ?? PLAIN, corsHeaders);
    const body = read.kind === "body" && format?.isText ? decodeText(read.body) : read.kind === "body" && read.body;
    if (read.kind === "failure") stream.sendHead(trailersOnly(errorTrailers(read.error)), true);
    else if (!body) stream.sendHead([[":status", "400"]], true);
    else {
      const events = handler.onStream({
        stream,
        fields: fieldsOf(request, new URL(request.url).pathname, format ?? PLAIN),
        isEnd: false,
        peerAddress: info.clientAddress ?? "",
      });
      stream.events = events;
      request.signal.addEventListener("abort", () => stream.abandon(), { once: true });
      events.onData(body, true);
    }
    return await stream.response;
  }
}

const PLAIN: WebFormat = { isText: false, suffix: "" };

/** The request's head as gRPC has it. */
function fieldsOf(request: Request, path: string, { suffix }: WebFormat): HeaderFields {
  const fields: [string, string][] = [[":method", request.method], [":path", path]];
  fields.push(["content-type", `application/grpc${suffix}`], ["te", "trailers"]);
  for (const [name, value] of request.headers) if (!NOT_METADATA.test(name)) fields.push([name, value]);
  return fields;
}
