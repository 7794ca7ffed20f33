import { assert, assertEquals } from "@std/assert";
import { parseArgs } from "@std/cli/parse-args";
import type { Connection } from "../../../src/transports/http1/connection.ts";
import type { ParsedResponse } from "../../../src/transports/http1/response_parser.ts";
import { Http1Transport } from "../../../src/transports/http1/transport.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { CaseMaker, type FuzzCase } from "../../support/http1_cases.ts";
import { startOracle, type Verdict } from "../../support/http1_oracle.ts";
import { latin1Bytes, parse } from "../../support/http1_parse.ts";
import { describe, requestOf, sendTo } from "../../support/http1_transports.ts";
import { nodeUrlOf } from "../../support/node_url.ts";
import { seededRandom } from "../../support/seeded_random.ts";

/** `deno test -A tests/transports/http1/fuzz_test.ts -- --cases=1000000 --seed=7` */
const args = parseArgs(Deno.args, { string: ["cases", "seed"] });
const CASES = Number(args.cases ?? 20_000);
const SEED = Number(args.seed ?? 1);
const BATCH = 2_000;

Deno.test(`${CASES} answers made at random (seed ${SEED}) are taken as Node takes them, or not at all`, async () => {
  const oracle = startOracle();
  // deno-lint-ignore no-console -- what is skipped is said aloud
  if (oracle === undefined) return console.log("skipped: the comparison with Node's parser, because there is no node");
  await using _ = oracle;
  const maker = new CaseMaker(seededRandom(SEED));
  const counts = { taken: 0, refusedByBoth: 0, stricter: 0 };
  for (let done = 0; done < CASES; done += BATCH) {
    const cases = Array.from({ length: Math.min(BATCH, CASES - done) }, () => maker.make());
    const verdicts = await oracle.judge(cases);
    cases.forEach((fuzz, index) => counts[compare(fuzz, verdicts[index]!, maker)]++);
  }
  assert(counts.taken > CASES / 20 && counts.refusedByBoth > CASES / 20, JSON.stringify(counts));
  // deno-lint-ignore no-console -- a run says what it has seen
  console.log(`${CASES} answers: ${JSON.stringify(counts)}`);
});

function compare(fuzz: FuzzCase, verdict: Verdict, maker: CaseMaker): "taken" | "refusedByBoth" | "stricter" {
  const { bytes, isHead, mutations } = fuzz;
  const options = { isHead, isEnded: true };
  const whole = parse([bytes], options);
  const inParts = parse(maker.split(bytes), options);
  const shown = JSON.stringify(String.fromCharCode(...bytes));
  assertEquals(inParts.is, whole.is, `in parts it is another answer: ${shown}`);
  if (whole.response === undefined) {
    assert(mutations > 0, `a good answer was refused with ${whole.is}: ${shown}`);
    if (verdict === null) return "refusedByBoth";
    assert(whole.is !== "cut_off", `an answer that is complete was waited for: ${shown}`);
    return "stricter";
  }
  assert(verdict !== null, `an answer was taken that Node refuses, as ${whole.is}: ${shown}`);
  assertEquals(factsOf(whole.response), normal(verdict), shown);
  // An answer to HEAD has no body, so that nothing is uncertain where it names no length.
  assert(verdict[4] || isHead || !whole.response.isPersistent, `a connection is kept that Node would close: ${shown}`);
  return "taken";
}

function factsOf({ status, body, headers, trailers }: ParsedResponse): unknown {
  return [status, String.fromCharCode(...body), headers.flat(), trailers.flat()];
}

function normal([status, body, fields, trailers]: NonNullable<Verdict>): unknown {
  const plain = (list: readonly string[]) =>
    list.map((text, index) => index % 2 === 0 ? text.toLowerCase() : text.replace(/^[ \t]+|[ \t]+$/g, ""));
  return [status, body, plain(fields), plain(trailers)];
}

Deno.test(`no answer goes to another request than its own (seed ${SEED}), whatever nodes do`, async () => {
  const random = seededRandom(SEED);
  const node = new WildNode(random);
  const transport = new Http1Transport({
    connect: () => Promise.resolve({ kind: "connection", connection: node.open(), isWriteAtomic: true }),
    clock: new FakeClock(),
  }, { maxReplyBytes: 10_000, maxConnections: 4 });
  const url = nodeUrlOf("http://node.example/");
  const counts = { answered: 0, failed: 0 };
  const one = async (marker: string) => {
    const result = await sendTo(transport, url, requestOf(marker));
    if (result.kind === "failure") counts.failed++;
    else {
      assertEquals(describe(result), `200 ${marker}`);
      counts.answered++;
    }
  };
  for (let i = 0; i < CASES / 20; i++) {
    const width = 1 + Math.floor(random() * 6);
    await Promise.all(Array.from({ length: width }, (_, k) => one(`marker-${i}-${k}`)));
    // What a node says when nobody has asked.
    if (random() < 0.3) node.babble();
    await settle();
    node.forget();
  }
  assert(counts.answered > CASES / 20 && counts.failed > CASES / 200, JSON.stringify(counts));
  transport.close();
  await settle();
  assertEquals([transport.connections, node.connections.size], [0, 0]);
});

/** Nodes on connections in memory, that answer in pieces and do much that is wrong, but never alter a marker. */
class WildNode {
  readonly #random: () => number;
  readonly connections = new Set<WildConnection>();

  constructor(random: () => number) {
    this.#random = random;
  }

  open(): Connection {
    const connection = new WildConnection(this.#random, () => this.connections.delete(connection));
    this.connections.add(connection);
    return connection;
  }

  babble(): void {
    for (const connection of this.connections) if (this.#random() < 0.5) connection.send(answerOf("nobody asked"));
  }

  forget(): void {
    for (const connection of this.connections) if (this.#random() < 0.1) connection.end();
  }
}

class WildConnection implements Connection {
  readonly #random: () => number;
  readonly #onClose: () => void;
  #pieces: Uint8Array[] = [];
  #isEnded = false;
  #isClosed = false;
  #wake = () => {};

  constructor(random: () => number, onClose: () => void) {
    this.#random = random;
    this.#onClose = onClose;
  }

  async read(into: Uint8Array): Promise<number | null> {
    for (;;) {
      if (this.#isClosed) throw new Error("closed");
      const piece = this.#pieces.shift();
      if (piece !== undefined) {
        const part = piece.subarray(0, into.length);
        into.set(part);
        if (part.length < piece.length) this.#pieces.unshift(piece.subarray(part.length));
        return part.length;
      }
      if (this.#isEnded) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  write(bytes: Uint8Array): Promise<number> {
    if (this.#isClosed || this.#isEnded) return Promise.reject(new Error("broken pipe"));
    const marker = String.fromCharCode(...bytes).split("\r\n\r\n")[1]!;
    this.#answer(marker);
    return Promise.resolve(bytes.length);
  }

  close(): void {
    this.#isClosed = true;
    this.#onClose();
    this.#wake();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /**
   * `excess` comes together with the end of the text, as from a socket that is read for all it has. What comes later than
   * that, when the next request is on its way, nobody can tell from its answer but by what is in it.
   */
  send(text: string, excess = ""): void {
    let bytes = latin1Bytes(text + excess);
    while (bytes.length > 0) {
      const size = 1 + Math.floor(this.#random() * bytes.length);
      const isLast = bytes.length - size <= excess.length;
      this.#pieces.push(bytes.subarray(0, isLast ? bytes.length : size));
      bytes = bytes.subarray(isLast ? bytes.length : size);
    }
    this.#wake();
  }

  #answer(marker: string): void {
    const good = answerOf(marker);
    const what = this.#random();
    if (what < 0.75) return this.send(good);
    if (what < 0.8) return this.send(good, answerOf("the answer to another"));
    if (what < 0.84) return this.send(good, "garbage");
    if (what < 0.88) return this.send(`HTTP/1.1 100 Continue\r\n\r\n${good}`);
    if (what < 0.9) return this.send(good.replace("Content-Length", "Content-Length: 1\r\nContent-Length"));
    if (what < 0.94) this.send(good.slice(0, Math.floor(this.#random() * good.length)));
    this.end();
  }
}

function answerOf(marker: string): string {
  return marker.length % 2 === 0
    ? `HTTP/1.1 200 OK\r\nContent-Length: ${marker.length}\r\n\r\n${marker}`
    : `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${marker.length.toString(16)}\r\n${marker}\r\n0\r\n\r\n`;
}
