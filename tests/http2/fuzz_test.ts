import { assert } from "@std/assert";
import { Connection } from "../../src/http2/connection.ts";
import type { ByteDuplex } from "../../src/http2/byte_duplex.ts";
import { FLAG, FRAME, SETTING } from "../../src/http2/frame.ts";
import { resolveLimits } from "../../src/http2/limits.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { block, frame, headers, HELLO, setting, uint32 } from "../support/http2_raw.ts";
import { accept, type Side } from "../support/http2_streams.ts";
import { seededRandom } from "../support/seeded_random.ts";

/** A connection whose bytes the test gives, in pieces, and whose output it counts. */
class ScriptedDuplex implements ByteDuplex {
  writtenBytes = 0;
  isClosed = false;
  #pieces: Uint8Array[];
  #waiting: ((count: number | null) => void) | undefined;

  constructor(pieces: Uint8Array[]) {
    this.#pieces = pieces;
  }

  read(into: Uint8Array): Promise<number | null> {
    if (this.isClosed) return Promise.resolve(null);
    const piece = this.#pieces.shift();
    if (piece === undefined) return new Promise((resolve) => this.#waiting = resolve);
    const count = Math.min(piece.length, into.length);
    into.set(piece.subarray(0, count));
    if (count < piece.length) this.#pieces.unshift(piece.subarray(count));
    return Promise.resolve(count);
  }

  write(bytes: Uint8Array): Promise<number> {
    this.writtenBytes += bytes.length;
    return Promise.resolve(bytes.length);
  }

  close(): void {
    this.isClosed = true;
    this.#waiting?.(null);
  }
}

type Random = () => number;

function below(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}

/** Frames that make sense more often than not. */
function conversation(random: Random): number[] {
  const bytes: number[] = [];
  const last = () => 1 + 2 * below(random, 6);
  const makers: (() => number[])[] = [
    () => headers(last(), random() < 0.8 ? FLAG.END_HEADERS : below(random, 256)),
    () => headers(last(), FLAG.END_HEADERS | FLAG.END_STREAM),
    () => frame(FRAME.CONTINUATION, below(random, 8), last(), block([["x", "y"]])),
    () => frame(FRAME.DATA, random() < 0.5 ? 0 : below(random, 16), last(), new Array(below(random, 300)).fill(7)),
    () => frame(FRAME.RST_STREAM, 0, last(), uint32(below(random, 14))),
    () => frame(FRAME.WINDOW_UPDATE, 0, random() < 0.3 ? 0 : last(), uint32(below(random, 2 ** 31))),
    () => frame(FRAME.SETTINGS, 0, 0, setting(below(random, 8), below(random, 2 ** 32))),
    () => frame(FRAME.SETTINGS, 0, 0, setting(SETTING.INITIAL_WINDOW_SIZE, below(random, 100_000))),
    () => frame(FRAME.PING, below(random, 2), 0, new Array(8).fill(1)),
    () => frame(FRAME.PRIORITY, 0, last(), [0, 0, 0, 0, 1]),
    () => frame(FRAME.GOAWAY, 0, 0, [...uint32(last()), ...uint32(0)]),
    () =>
      frame(
        below(random, 12),
        below(random, 256),
        below(random, 12),
        new Array(below(random, 20)).fill(below(random, 256)),
      ),
  ];
  for (let i = below(random, 40); i > 0; i--) bytes.push(...makers[below(random, makers.length)]!());
  // A few bytes are wrong.
  for (let i = below(random, 4); i > 0 && bytes.length > 0; i--) {
    bytes[below(random, bytes.length)] = below(random, 256);
  }
  return bytes;
}

function cut(random: Random, bytes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = 1 + below(random, random() < 0.5 ? 20 : 5_000);
    pieces.push(Uint8Array.from(bytes.slice(at, at + size)));
    at += size;
  }
  return pieces;
}

/** What the user of a stream may do to it at any moment. */
function act(random: Random, side: Side): void {
  const { stream } = side;
  switch (below(random, 7)) {
    case 0:
      return stream.sendHead([[":status", "200"]], random() < 0.2);
    case 1:
      return stream.sendData(new Uint8Array(below(random, 100_000)), random() < 0.1);
    case 2:
      return stream.sendTrailers([["grpc-status", "0"]]);
    case 3:
      return stream.reset(8);
    case 4:
      return stream.consume(below(random, 1_000));
  }
}

for (const isServer of [true, false]) {
  Deno.test(`whatever comes in, every stream ends once and nothing is left: ${isServer ? "server" : "client"}`, async () => {
    for (let seed = 1; seed <= 1_500; seed++) {
      const random = seededRandom(seed);
      const clock = new FakeClock();
      const hello = isServer ? HELLO : HELLO.slice(24);
      const duplex = new ScriptedDuplex(cut(random, [...hello, ...conversation(random)]));
      const sides: Side[] = [];
      const { promise: closed, resolve: onClosed } = Promise.withResolvers<void>();
      const connection = new Connection(duplex, isServer, resolveLimits({ maxStreams: 4, maxHeaderListBytes: 2_000 }), {
        clock,
        onStream(stream, fields, isEnd) {
          const side = accept({ stream, fields, isEnd, peerAddress: "" });
          sides.push(side);
          side.onChunk = () => act(random, side);
          if (random() < 0.3) act(random, side);
          return side;
        },
        onClosed,
      });
      if (!isServer) {
        for (let i = below(random, 6); i > 0; i--) {
          const side = accept({ stream: undefined as never, fields: [], isEnd: false, peerAddress: "" });
          const fields = [[":method", "POST"], [":scheme", "http"], [":path", "/"]] as const;
          side.stream = connection.request(fields, random() < 0.5, side);
          side.onChunk = () => act(random, side);
          sides.push(side);
        }
      }
      for (let turn = 0; turn < 6; turn++) {
        await settle();
        for (const side of sides) if (random() < 0.5) act(random, side);
      }
      connection.close();
      await clock.advance(120_000);
      await closed;
      const at = `seed ${seed}`;
      assert(duplex.isClosed, at);
      assert(sides.every((side) => side.isOver), at);
      assert(connection.openStreams === 0, at);
      assert(clock.pending === 0, `${at}: ${clock.pending} timers are left`);
      assert(duplex.writtenBytes < 20_000_000, at);
    }
  });
}
