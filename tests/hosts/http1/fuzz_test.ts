import { assert, assertEquals } from "@std/assert";
import { parseArgs } from "@std/cli/parse-args";
import { silentLog } from "../../../src/domain/log.ts";
import type { HostHandler } from "../../../src/hosts/host_handler.ts";
import { HttpServer } from "../../../src/hosts/http1/http_server.ts";
import type { ServerSocket } from "../../../src/hosts/http1/server_connection.ts";
import { splitTarget } from "../../../src/hosts/http_response.ts";
import type { HeaderSource } from "../../../src/hosts/request_headers.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { type JudgedRequest, type RequestsVerdict, startRequestOracle } from "../../support/http1_oracle.ts";
import { RequestMaker, type RequestsCase } from "../../support/http1_request_cases.ts";
import { seededRandom } from "../../support/seeded_random.ts";

/** `deno test -A tests/hosts/http1/fuzz_test.ts -- --cases=1000000 --seed=7` */
const args = parseArgs(Deno.args, { string: ["cases", "seed"] });
const CASES = Number(args.cases ?? 20_000);
const SEED = Number(args.seed ?? 1);
const BATCH = 1_000;

/** A request as the handler saw it. */
interface Seen {
  readonly verb: string;
  readonly path: string;
  readonly query: string;
  readonly headers: HeaderSource;
  readonly body: string;
}

/** What became of a client's bytes. */
interface Outcome {
  readonly seen: readonly Seen[];
  /** What the client was sent. */
  readonly sent: string;
  /** The server has said, or shown, that it reads no further. */
  readonly isOver: boolean;
}

Deno.test(`requests of ${CASES} clients made at random (seed ${SEED}) are taken as Node takes them, or not at all`, async () => {
  const oracle = startRequestOracle();
  // deno-lint-ignore no-console -- what is skipped is said aloud
  if (oracle === undefined) return console.log("skipped: the comparison with Node's parser, because there is no node");
  await using _ = oracle;
  const maker = new RequestMaker(seededRandom(SEED));
  const counts = { requests: 0, alike: 0, stricter: 0 };
  for (let done = 0; done < CASES; done += BATCH) {
    const cases = Array.from({ length: Math.min(BATCH, CASES - done) }, () => maker.make());
    const judging = oracle.judge(cases.map(({ bytes }) => ({ bytes, isHead: false })));
    const outcomes = await serveAll(cases);
    const verdicts = await judging;
    cases.forEach((each, index) => {
      counts[compare(each, outcomes[index]!, verdicts[index]!)]++;
      counts.requests += outcomes[index]!.seen.length;
    });
  }
  assert(counts.requests > CASES / 2 && counts.stricter > 0 && counts.alike > CASES / 2, JSON.stringify(counts));
  // deno-lint-ignore no-console -- a run says what it has seen
  console.log(`${CASES} clients: ${JSON.stringify(counts)}`);
});

/** Has a server answer each of the clients, each on its own connection and in its own parts. */
async function serveAll(cases: readonly RequestsCase[]): Promise<Outcome[]> {
  const lists = new Map<string, Seen[]>(cases.map((_, index) => [String(index), []]));
  const handler: HostHandler = {
    async handle(request, path = request.path) {
      const list = lists.get(request.clientAddress)!;
      const { verb, query, headers } = request;
      const bytes = await request.body.read(100_000);
      if (bytes === undefined) return { status: 413, fields: [], body: null };
      const body = String.fromCharCode(...bytes);
      list.push({ verb, path, query, headers, body });
      return { status: 200, fields: [], body: new TextEncoder().encode(`answer ${list.length}`) };
    },
    accept: () => ({ status: 501, fields: [], body: null }),
  };
  const clock = new FakeClock();
  const options = { headerTimeoutMs: 1_000, idleTimeoutMs: 1_000, maxConnections: 0 };
  const server = new HttpServer({ handler, clock, log: silentLog }, options);
  const clients = cases.map(({ parts }, index) => {
    const client = new FuzzClient(parts);
    server.accept(client, String(index));
    return client;
  });
  // None of it waits for anything but promises.
  for (let progress = -1; progress !== FuzzClient.steps;) {
    progress = FuzzClient.steps;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  const outcomes = clients.map(({ sent, isOver }, index) => ({ seen: lists.get(String(index))!, sent, isOver }));
  for (const client of clients) client.end();
  await server.shutdown();
  assertEquals([server.connections, clock.pending], [0, 0]);
  return outcomes;
}

function compare(each: RequestsCase, outcome: Outcome, verdict: RequestsVerdict): "alike" | "stricter" {
  const { seen, sent, isOver } = outcome;
  const [judged, end] = verdict;
  const lines = seen.map(({ verb, path, query, body }) => [verb, path, query, body]);
  const text = String.fromCharCode(...each.bytes);
  const shown = JSON.stringify({ text, lines, sent, verdict, isOver });
  // Node knows some verbs only, reads no further behind one that changes the protocol, and has no tabs behind a length or
  // a coding, which RFC 9112 allows.
  const isTab = /^HPE_INVALID_(?:CONTENT_LENGTH|TRANSFER_ENCODING)$/.test(end) && /\t[ \t]*\r\n/.test(text);
  const isBlind = end === "HPE_INVALID_METHOD" || end === "upgrade" || isTab ||
    judged.some(([verb]) => verb === "CONNECT");
  // Nobody wants the body of such a request, which is answered before it is there, and whatever it is.
  const isEarly = seen.length > judged.length && isBodyUnread(seen.at(-1)!);
  const known = isBlind ? seen.slice(0, judged.length) : isEarly ? seen.slice(0, -1) : seen;
  assert(known.length <= judged.length, `a request was taken that Node refuses: ${shown}`);
  known.forEach((request, index) => assertAlike(request, judged[index]!, shown));
  assertAnswers(outcome, shown);
  if (seen.length >= judged.length) return "alike";
  assert(each.mutations > 0 || seen.some(isBodyUnread), `a good request was not taken: ${shown}`);
  assert(isOver, `a request that is complete was waited for: ${shown}`);
  return "stricter";
}

function assertAlike(request: Seen, [verb, target, fields, body]: JudgedRequest, shown: string): void {
  const { path, query } = splitTarget(target);
  assertEquals([request.verb, request.body], [verb, isBodyUnread(request) ? "" : body], shown);
  if (verb !== "CONNECT") assertEquals([request.path, request.query], [path, query], shown);
  const values = new Map<string, string[]>();
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i]!.toLowerCase();
    values.set(name, [...values.get(name) ?? [], fields[i + 1]!.replace(/^[ \t]+|[ \t]+$/g, "")]);
  }
  for (const [name, list] of values) assertEquals(request.headers.get(name), list.join(", "), shown);
  for (const name of ["x-sum", "folded", "x-twice"]) {
    if (!values.has(name)) assertEquals(request.headers.get(name), null);
  }
}

/** Whether a request has a body that is passed over, as nothing is to be asked so; the connection may end behind it. */
function isBodyUnread({ verb, headers }: Seen): boolean {
  return (verb === "GET" || verb === "HEAD") &&
    (headers.get("content-length") !== null || headers.get("transfer-encoding") !== null);
}

/** Every request has its own answer, in its place, and no more than one refusal comes after them. */
function assertAnswers({ seen, sent, isOver }: Outcome, shown: string): void {
  const statuses = [...sent.matchAll(/HTTP\/1\.[01] (\d+) /g)].map(([, status]) => Number(status));
  const finals = statuses.filter((status) => status >= 200);
  const refused = finals.slice(seen.length);
  assert(finals.slice(0, seen.length).every((status) => status === 200), shown);
  assert(refused.length === 0 || (refused.length === 1 && refused[0]! >= 400 && isOver), shown);
  const answers = [...sent.matchAll(/\r\n\r\nanswer (\d+)/g)].map(([, number]) => Number(number));
  const expected = seen.flatMap(({ verb }, index) => verb === "HEAD" ? [] : [index + 1]);
  assertEquals(answers, expected, shown);
}

/** A client in memory, that sends its parts as fast as they are taken, and then waits. */
class FuzzClient implements ServerSocket {
  /** Counts on with whatever any of them does. */
  static steps = 0;
  sent = "";
  isOver = false;
  readonly #parts: Uint8Array[];
  #isClosed = false;
  #wake = (): void => {};

  constructor(parts: readonly Uint8Array[]) {
    this.#parts = [...parts];
  }

  /** Ends its side. */
  end(): void {
    this.#isClosed = true;
    this.#wake();
  }

  async read(into: Uint8Array): Promise<number | null> {
    FuzzClient.steps++;
    const part = this.#parts.shift();
    if (part === undefined) {
      if (!this.#isClosed) await new Promise<void>((resolve) => this.#wake = resolve);
      return null;
    }
    const count = Math.min(part.length, into.length);
    into.set(part.subarray(0, count));
    if (count < part.length) this.#parts.unshift(part.subarray(count));
    return count;
  }

  write(bytes: Uint8Array): Promise<number> {
    FuzzClient.steps++;
    if (this.isOver) return Promise.reject(new Error("it had ended its side"));
    this.sent += String.fromCharCode(...bytes);
    return Promise.resolve(bytes.length);
  }

  closeWrite(): Promise<void> {
    FuzzClient.steps++;
    this.isOver = true;
    return Promise.resolve();
  }

  close(): void {
    FuzzClient.steps++;
    this.isOver = true;
    this.end();
  }
}
