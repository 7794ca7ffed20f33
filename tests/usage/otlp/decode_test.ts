import { assertEquals, assertThrows } from "@std/assert";
import { ByteBuffer } from "../../../src/usage/otlp/byte_buffer.ts";
import { decodeJsonRequest } from "../../../src/usage/otlp/decode_json.ts";
import { decodeProtobufRequest } from "../../../src/usage/otlp/decode_protobuf.ts";
import { jsonEncoding } from "../../../src/usage/otlp/encode_json.ts";
import { protobufEncoding } from "../../../src/usage/otlp/encode_protobuf.ts";
import { UsageLogRecord, UsageResource } from "../../../src/usage/log_record.ts";
import { readRow, rowOfEvent, type UsageRow } from "../../../src/usage/usage_row.ts";
import { STRANGE_EVENTS, STRANGE_SCORES } from "../../support/strange_values.ts";
import { qosEvent, relayEvent } from "../../support/usage.ts";

const RESOURCE = new UsageResource({ "service.name": "test" });
const OBSERVED_MS = 1_767_225_700_000;
const FORMATS = {
  JSON: { encoding: jsonEncoding, decode: decodeJsonRequest },
  Protobuf: { encoding: protobufEncoding, decode: decodeProtobufRequest },
};
const EVENTS = [relayEvent(), qosEvent(), ...STRANGE_EVENTS, ...STRANGE_SCORES];

function requestOf(format: keyof typeof FORMATS, ids: readonly string[]): Uint8Array {
  const { encoding } = FORMATS[format];
  const buffer = new ByteBuffer(1024);
  EVENTS.forEach((event, index) => {
    const id = event.kind === "relay_usage" ? ids[index % ids.length]! : "";
    encoding.appendRecord(buffer, new UsageLogRecord(event, id, RESOURCE, OBSERVED_MS));
  });
  return encoding.encodeRequest(RESOURCE, buffer.view());
}

for (const format of ["JSON", "Protobuf"] as const) {
  Deno.test(`${format}: what arrives is what was sent, whatever the values`, () => {
    const ids = ["host-1/boot/1", "a/b/c/900719925474099"];
    const rows = FORMATS[format].decode(requestOf(format, ids)).map((record) => {
      const read = readRow(record);
      return read.kind === "row" ? read.row : read;
    });
    const sent = EVENTS.map((event, index): UsageRow => {
      const row = rowOfEvent(event, event.kind === "relay_usage" ? ids[index % ids.length]! : "");
      // An event without a time has that of its record.
      return row.timeUnixMs > 0 ? row : { ...row, timeUnixMs: OBSERVED_MS };
    });
    assertEquals(rows, sent);
  });

  Deno.test(`${format}: a request that breaks off anywhere is refused, and one that is changed anywhere ends`, () => {
    const bytes = requestOf(format, ["host-1/boot/1"]).subarray(0, 2_000);
    for (let length = 1; length < bytes.length; length++) {
      assertThrows(() => FORMATS[format].decode(bytes.slice(0, length)));
    }
    const whole = requestOf(format, ["host-1/boot/1"]);
    for (let at = 0; at < Math.min(whole.length, 3_000); at++) {
      for (const flip of [0xff, 0x80, 1]) {
        const broken = whole.slice();
        broken[at]! ^= flip;
        try {
          FORMATS[format].decode(broken);
        } catch (error) {
          assertEquals(error instanceof Error, true);
        }
      }
    }
  });
}

Deno.test("Protobuf: fields that are not known are skipped, and texts are UTF-8", () => {
  const whole = requestOf("Protobuf", ["host-1/boot/1"]);
  const withUnknown = new Uint8Array([...whole, 0xfa, 0x01, 2, 7, 7, 0xf5, 0x01, 1, 2, 3, 4, 0xf0, 0x01, 0x80, 1]);
  assertEquals(decodeProtobufRequest(withUnknown).length, EVENTS.length);
  assertThrows(() => decodeProtobufRequest(new Uint8Array([0x0a, 8, 0x12, 6, 0x12, 4, 0x62, 2, 0xc3, 0x28])));
  assertThrows(() => decodeProtobufRequest(new Uint8Array([0x0b])));
});

Deno.test("JSON: what has the wrong shape is refused", () => {
  for (const body of ["", "{", "[]", "1", '{"resourceLogs":{}}', '{"resourceLogs":[1]}', '{"resourceLogs":[[]]}']) {
    assertThrows(() => decodeJsonRequest(new TextEncoder().encode(body)), body);
  }
  assertEquals(decodeJsonRequest(new TextEncoder().encode("{}")), []);
});

const ATTRIBUTES = new Map([...new UsageLogRecord(relayEvent(), "host-1/boot/7", RESOURCE, 0).fields].map((field) => {
  return [field.name, field.read(relayEvent(), "host-1/boot/7")] as const;
}));

Deno.test("a record is a usage event only with all attributes of their types", () => {
  const read = (change: Record<string, unknown>, name = "relay_usage", timeUnixMs = 5) => {
    const all = { ...Object.fromEntries(ATTRIBUTES), ...change } as Record<string, string>;
    const attributes = new Map(Object.entries(all).filter(([, value]) => value !== undefined));
    const result = readRow({ name, timeUnixMs, attributes });
    return result.kind === "row" ? result.row.values : result.reason;
  };
  const event = relayEvent();
  assertEquals(read({ unknown: "x" }), rowOfEvent(event, "host-1/boot/7").values);
  assertEquals(read({ event_id: undefined }).includes(null as never), true);
  assertEquals(read({ event_id: "" }), read({ event_id: undefined }));
  for (
    const [change, reason] of [
      [{ project: undefined }, "relay_usage lacks project"],
      [{ cu: undefined }, "relay_usage lacks cu"],
      [{ cu: "20" }, "relay_usage has a value of cu that is no int"],
      [{ cu: 0.5 }, "relay_usage has a value of cu that is no int"],
      [{ success: 1 }, "relay_usage has a value of success that is no bool"],
      [{ project: 1 }, "relay_usage has a value of project that is no string"],
      [{ event_id: "7" }, "relay_usage has an event_id that is not <instance>/<boot>/<number>"],
      [{ event_id: "a/b/0" }, "relay_usage has an event_id that is not <instance>/<boot>/<number>"],
      [{ event_id: "a/b/99999999999999999" }, "relay_usage has an event_id that is not <instance>/<boot>/<number>"],
    ] as const
  ) assertEquals(read(change), reason);
  assertEquals(read({}, "other"), "neither relay_usage nor optimizer_qos");
  assertEquals(read({}, "relay_usage", NaN), "relay_usage has no time");
  const asDouble = readRow({ name: "relay_usage", timeUnixMs: 5, attributes: ATTRIBUTES, doubles: new Set(["cu"]) });
  assertEquals(asDouble.kind, "unusable");
});
