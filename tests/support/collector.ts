import { encodePartialSuccess } from "./otlp_protobuf.ts";
import { readRequest, type ReceivedRecord } from "./otlp_request.ts";
import { Http1Connection, type Http1Request } from "./http1_server.ts";

/** What the collector does with one request. */
export type Behaviour =
  | { readonly kind: "accept" }
  /** Takes the records, and says so `delayMs` later. */
  | { readonly kind: "slow"; readonly delayMs: number }
  /** Reads the request, takes nothing, and never answers. */
  | { readonly kind: "hang" }
  /** Cuts the connection: in `answer`, it has taken the records and said 200 but breaks off in the body. */
  | { readonly kind: "cut"; readonly at: "head" | "body" | "answer" }
  /** Takes nothing. A `retryAfter` that is a function is asked at the moment of the answer. */
  | { readonly kind: "status"; readonly status: number; readonly retryAfter?: string | (() => string) }
  /** Takes all but the first `rejected` records. */
  | { readonly kind: "partial"; readonly rejected: number }
  /** Takes the records, and answers 200 with this body. */
  | { readonly kind: "body"; readonly body: string }
  /** Takes the records, and answers 200 with a body that does not end: `bytes` of it, then silence. */
  | { readonly kind: "endless"; readonly bytes: number }
  /** Takes nothing, and points elsewhere on the same server. */
  | { readonly kind: "redirect" };

/** A request as the collector saw it, whatever it did with it. */
export interface CollectorRequest {
  readonly path: string;
  readonly headers: Headers;
  /** Length of the body as it came, and without its compression; 0 where it was not read. */
  readonly wireBytes: number;
  readonly bytes: number;
}

/** Most requests that are kept: a client in a loop is a failure, and not a full memory. */
const MAX_REQUESTS = 20_000;

/** A collector on a socket of loopback that does with each request what it is told. */
export class Collector implements AsyncDisposable {
  readonly #connections = new Set<Http1Connection>();
  readonly #timers = new Set<() => void>();
  readonly #serving = new Set<Promise<void>>();
  readonly #script: Behaviour[];
  readonly #port: number;
  #listener: Deno.TcpListener | undefined;
  #onChange = () => {};
  /** What it does when the script has come to its end. */
  otherwise: Behaviour = { kind: "accept" };
  /** Records that it has taken, in order; those whose client was not told as well. */
  readonly records: ReceivedRecord[] = [];
  readonly requests: CollectorRequest[] = [];
  /** What no collector would take, as it was seen. Such a request is answered 400. */
  readonly problems: string[] = [];

  /** Starts on a free port; the first requests are treated as `script` says. */
  constructor(...script: readonly Behaviour[]) {
    this.#script = [...script];
    this.#listener = this.#listen(0);
    this.#port = this.#listener.addr.port;
  }

  /** URL of its logs endpoint. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}/v1/logs`;
  }

  /** Refuses connections from now on, and cuts those that are open. */
  goAway(): void {
    this.#listener?.close();
    this.#listener = undefined;
    for (const wake of this.#timers) wake();
    for (const connection of this.#connections) connection.close();
  }

  /** Listens again, on the same port. */
  comeBack(): void {
    this.#listener ??= this.#listen(this.#port);
  }

  /** Accepts everything from now on. */
  recover(): void {
    this.#script.length = 0;
    this.otherwise = { kind: "accept" };
  }

  /** Comes back when `isThere` holds; looks after each request. */
  async until(isThere: (collector: Collector) => boolean, timeoutMs = 10_000): Promise<void> {
    if (isThere(this)) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const seen = () =>
      `${this.records.length} records in ${this.requests.length} requests; ${this.problems.join("; ")}`;
    const timer = setTimeout(() => reject(new Error(`waited in vain: ${seen()}`)), timeoutMs);
    this.#onChange = () => {
      if (isThere(this)) resolve();
    };
    await promise.finally(() => clearTimeout(timer));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.goAway();
    await Promise.all(this.#serving);
  }

  #listen(port: number): Deno.TcpListener {
    const listener = Deno.listen({ hostname: "127.0.0.1", port });
    this.#track((async () => {
      for await (const accepted of listener) {
        const connection = new Http1Connection(accepted);
        this.#connections.add(connection);
        this.#track(this.#serve(connection));
      }
    })());
    return listener;
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#serving.delete(tracked));
    this.#serving.add(tracked);
  }

  async #serve(connection: Http1Connection): Promise<void> {
    try {
      for (;;) {
        const request = await connection.readRequest();
        if (request === undefined || !await this.#handle(connection, request)) return;
      }
    } catch {
      // The client has gone, or the connection was cut.
    } finally {
      connection.close();
      this.#connections.delete(connection);
    }
  }

  /** Treats one request; false to end the connection. */
  async #handle(connection: Http1Connection, request: Http1Request): Promise<boolean> {
    const { path, headers } = request;
    if (this.requests.length >= MAX_REQUESTS) throw new Error("too many requests");
    const index = this.requests.push({ path, headers, wireBytes: 0, bytes: 0 }) - 1;
    const behaviour = this.#script.shift() ?? this.otherwise;
    if (behaviour.kind === "cut" && behaviour.at === "head") return this.#changed(false);
    const wire = await request.readBody();
    const bytes = headers.get("content-encoding") === "gzip" ? await gunzip(wire) : wire;
    this.requests[index] = { path, headers, wireBytes: wire.length, bytes: bytes.length };
    const contentType = headers.get("content-type") ?? "";
    let records: ReceivedRecord[];
    try {
      if (request.method !== "POST" || path !== "/v1/logs") throw new Error(`${request.method} ${path}`);
      records = readRequest(contentType, bytes);
    } catch (error) {
      this.problems.push(error instanceof Error ? error.message : String(error));
      await connection.write("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
      return this.#changed(true);
    }
    return await this.#act(behaviour, connection, contentType, records);
  }

  async #act(
    behaviour: Behaviour,
    connection: Http1Connection,
    contentType: string,
    records: readonly ReceivedRecord[],
  ): Promise<boolean> {
    const isJson = contentType === "application/json";
    const ok = (body: string | Uint8Array, length = body.length) =>
      this.#answer(connection, [`200 OK`, `content-type: ${contentType}`, `content-length: ${length}`], body);
    switch (behaviour.kind) {
      case "accept":
        return await this.#take(records, () => ok(isJson ? "{}" : ""));
      case "slow":
        return await this.#take(records, async () => {
          await this.#delay(behaviour.delayMs);
          return await ok(isJson ? "{}" : "");
        });
      case "hang":
        this.#changed(true);
        await this.#delay(2 ** 31 - 1);
        return false;
      case "cut":
        if (behaviour.at === "body") return await this.#take(records, () => Promise.resolve(false));
        return await this.#take(records, async () => await ok("{", 100) && false);
      case "status": {
        const { status, retryAfter } = behaviour;
        const wait = typeof retryAfter === "function" ? retryAfter() : retryAfter;
        const head = [`${status} No`, "content-length: 2", ...(wait === undefined ? [] : [`retry-after: ${wait}`])];
        return this.#changed(await this.#answer(connection, head, "no"));
      }
      case "partial": {
        const { rejected } = behaviour;
        const text = `{"partialSuccess":{"rejectedLogRecords":"${rejected}","errorMessage":"no"}}`;
        return await this.#take(records.slice(rejected), () => ok(isJson ? text : encodePartialSuccess(rejected)));
      }
      case "body":
        return await this.#take(records, () => ok(behaviour.body));
      case "endless":
        return await this.#take(records, () => this.#answerWithoutEnd(connection, behaviour.bytes));
      case "redirect":
        return this.#changed(
          await this.#answer(connection, ["301 Moved", "location: /elsewhere", "content-length: 0"]),
        );
    }
  }

  async #take(records: readonly ReceivedRecord[], answer: () => Promise<boolean>): Promise<boolean> {
    for (const record of records) this.records.push(record);
    const isOpen = await answer();
    return this.#changed(isOpen);
  }

  async #answer(
    connection: Http1Connection,
    head: readonly string[],
    body: string | Uint8Array = "",
  ): Promise<boolean> {
    await connection.write(`HTTP/1.1 ${head.join("\r\n")}\r\n\r\n`);
    await connection.write(body);
    return true;
  }

  async #answerWithoutEnd(connection: Http1Connection, bytes: number): Promise<boolean> {
    await connection.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    const chunk = `10000\r\n${" ".repeat(65_536)}\r\n`;
    for (let sent = 0; sent < bytes; sent += 65_536) await connection.write(chunk);
    await this.#delay(2 ** 31 - 1);
    return false;
  }

  #changed(isOpen: boolean): boolean {
    this.#onChange();
    return isOpen;
  }

  /** Comes back after `ms`, or when the collector goes away. */
  async #delay(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#timers.add(resolve);
    await promise;
    clearTimeout(timer);
    this.#timers.delete(resolve);
  }
}

async function gunzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const plain = new Response(bytes).body!.pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(plain).arrayBuffer());
}
