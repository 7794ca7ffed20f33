import { assert, assertEquals, assertThrows } from "@std/assert";
import { type RelayUsageEvent, systemClock } from "../../../mod.ts";
import { UsageLogRecord, UsageResource } from "../../../src/usage/log_record.ts";
import { ByteBuffer } from "../../../src/usage/otlp/byte_buffer.ts";
import { jsonEncoding } from "../../../src/usage/otlp/encode_json.ts";
import { protobufEncoding } from "../../../src/usage/otlp/encode_protobuf.ts";
import { seededRandom } from "../../support/seeded_random.ts";
import { INTS, TEXTS, TIMES } from "../../support/strange_values.ts";
import { relayEvent } from "../../support/usage.ts";

const RESOURCE = new UsageResource({ "service.name": "test" });
const EVENTS = 30_000;
const ENCODINGS = { JSON: jsonEncoding, Protobuf: protobufEncoding };

const PROJECTS = ["", "acme", "acne", "p".repeat(256), ...TEXTS.map(([text]) => text)];
const METHODS = [
  "eth_call",
  "eth_cell",
  "eth_blockNumber",
  "eth_call&".repeat(200),
  "x".repeat(70_000),
  "日本",
  "\ud800",
];
const PROVIDERS = ["", "node-1", "node-2", "näh"];
const ORIGINS = ["", "https://a.example", "https://b.example", "🦊", "o".repeat(900)];
const ERRORS = ["", "upstream_timeout", "no_provider"];
const SPECIAL_INTS = INTS.map(([value]) => value);
const LATENCIES = [
  0,
  -0,
  1,
  126,
  127,
  128,
  129,
  300,
  16_383,
  16_384,
  2 ** 21,
  2 ** 31 - 1,
  2 ** 31,
  -1,
  0.5,
  NaN,
  1e21,
];
const SPECIAL_TIMES = [...TIMES.map(([value]) => value), 8.64e15, 18_446_744_073_708, 18_446_744_073_709, 2 ** 32];

/** Events of a few common kinds, and now and then one with anything in it. */
function eventFrom(random: () => number): RelayUsageEvent {
  const below = (limit: number) => Math.floor(random() * limit);
  const oneOf = <Value>(values: readonly Value[], common: number) =>
    values[below(random() < 0.9 ? Math.min(common, values.length) : values.length)]!;
  const isRare = () => random() < 0.05;
  return relayEvent({
    timeUnixMs: isRare() ? oneOf(SPECIAL_TIMES, 99) : 1_767_225_600_000 + below(2 ** 40) / (isRare() ? 7 : 1),
    project: oneOf(PROJECTS, 3),
    chain: isRare() ? "LAVA" : "ETH1",
    apiInterface: isRare() ? "rest" : "jsonrpc",
    apiMethod: oneOf(METHODS, 3),
    computeUnits: isRare() ? oneOf(SPECIAL_INTS, 99) : 10 + 10 * below(3),
    latencyMs: isRare() ? oneOf(LATENCIES, 99) : below(300),
    success: !isRare(),
    cacheHit: isRare(),
    isWrite: isRare(),
    isArchive: isRare(),
    isBatch: isRare(),
    isDebugTrace: isRare(),
    hedgeCount: isRare() ? oneOf(SPECIAL_INTS, 99) : 0,
    provider: oneOf(PROVIDERS, 3),
    origin: oneOf(ORIGINS, 2),
    errorClass: isRare() ? oneOf(ERRORS, 99) : "",
    attempts: isRare() ? oneOf(SPECIAL_INTS, 99) : 1,
  });
}

for (const [name, encoding] of Object.entries(ENCODINGS)) {
  for (const prefix of ["", "host-1/boot/"]) {
    const kind = prefix === "" ? "plain" : "extended";
    Deno.test(`${name}, ${kind}: ${EVENTS} random events, encoded as they come, are byte for byte their records`, () => {
      const random = seededRandom(prefix.length + 1);
      let observedUnixMs = 1_767_225_700_000;
      const encoder = encoding.relayEncoder(prefix, RESOURCE, { ...systemClock, now: () => observedUnixMs });
      const [buffer, expected] = [new ByteBuffer(64), new ByteBuffer(64)];
      for (let sequence = 1, gone = 0; gone < EVENTS; gone++, sequence += gone % 1_000 === 0 ? 3_333_333 : 1) {
        const event = eventFrom(random);
        observedUnixMs++;
        const start = buffer.length;
        encoder.append(buffer, event, sequence);
        encoder.stamp?.(buffer, start, [buffer.length - start]);
        const eventId = prefix === "" ? "" : `${prefix}${sequence}`;
        encoding.appendRecord(expected, new UsageLogRecord(event, eventId, RESOURCE, observedUnixMs));
        if (!areEqual(buffer.view(), expected.view())) {
          assertEquals(buffer.view(), expected.view(), `event ${gone}: ${JSON.stringify(event)}`);
        }
        if (buffer.length < 4_096) continue;
        buffer.truncate(0);
        expected.truncate(0);
      }
    });

    Deno.test(`${name}, ${kind}: so are events of more kinds than are remembered, once and again`, () => {
      const encoder = encoding.relayEncoder(prefix, RESOURCE, { ...systemClock, now: () => 1_767_225_700_000 });
      const [buffer, expected] = [new ByteBuffer(64), new ByteBuffer(64)];
      for (let sequence = 1; sequence <= 20_000; sequence++) {
        // Of the kinds some come twice in a row, some after thousands of others, and some once.
        const kindOf = sequence % 3 === 0 ? sequence : sequence % 3 === 1 ? sequence % 5_000 : sequence >> 3;
        const event = relayEvent({ project: `project-${kindOf}`, latencyMs: sequence % 200 });
        encoder.append(buffer, event, sequence);
        encoder.stamp?.(buffer, 0, [buffer.length]);
        const eventId = prefix === "" ? "" : `${prefix}${sequence}`;
        encoding.appendRecord(expected, new UsageLogRecord(event, eventId, RESOURCE, 1_767_225_700_000));
        if (!areEqual(buffer.view(), expected.view())) {
          assertEquals(buffer.view(), expected.view(), `event ${sequence}`);
        }
        buffer.truncate(0);
        expected.truncate(0);
      }
    });

    Deno.test(`${name}, ${kind}: what is no event throws, each time, and the next event is as ever`, () => {
      const encoder = encoding.relayEncoder(prefix, RESOURCE, systemClock);
      const buffer = new ByteBuffer(64);
      const nothing = undefined as unknown as string;
      const unfit = [
        nothing as unknown as RelayUsageEvent,
        relayEvent({ apiMethod: nothing }),
        relayEvent({ origin: nothing }),
      ];
      for (let turn = 0; turn < 4; turn++) {
        for (const event of unfit) {
          const { length } = buffer;
          assertThrows(() => encoder.append(buffer, event, turn + 1));
          buffer.truncate(length);
        }
        const start = buffer.length;
        encoder.append(buffer, relayEvent(), turn + 1);
        assert(buffer.length - start > 300);
      }
    });
  }
}

function areEqual(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
  return true;
}
