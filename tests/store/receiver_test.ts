import { assertEquals, assertStringIncludes } from "@std/assert";
import { UsageReceiver } from "../../src/store/receiver.ts";
import { silentLog } from "../../src/domain/log.ts";
import type { StoreResult } from "../../src/store/usage_store.ts";
import { ByteBuffer } from "../../src/usage/otlp/byte_buffer.ts";
import { jsonEncoding } from "../../src/usage/otlp/encode_json.ts";
import { protobufEncoding } from "../../src/usage/otlp/encode_protobuf.ts";
import { UsageLogRecord, UsageResource } from "../../src/usage/log_record.ts";
import type { UsageRow } from "../../src/usage/usage_row.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { qosEvent, relayEvent } from "../support/usage.ts";

const OPTIONS = { maxBodyBytes: 10_000, maxHeldBytes: 20_000, bodyTimeoutMs: 1_000 };
const STORED: StoreResult = { kind: "stored", duplicates: 0 };
const RESOURCE = new UsageResource({});
const ENCODINGS = [jsonEncoding, protobufEncoding];

function setUp(add: (rows: readonly UsageRow[]) => Promise<StoreResult> = () => Promise.resolve(STORED)) {
  const clock = new FakeClock();
  const rows: UsageRow[] = [];
  const store = {
    add(added: readonly UsageRow[]) {
      rows.push(...added);
      return add(added);
    },
  };
  const warnings: string[] = [];
  const log = { ...silentLog, warn: (message: string) => void warnings.push(message) };
  const receiver = new UsageReceiver(store, clock, OPTIONS, log);
  const post = (
    body: BodyInit | null,
    headers: Record<string, string> = { "content-type": "application/json" },
    path = "/v1/logs",
  ) => receiver.fetch(new Request(`http://collector${path}`, { method: "POST", headers, body }));
  return { clock, rows, warnings, receiver, post };
}

function bodyOf(encoding: typeof jsonEncoding, count = 1): Uint8Array<ArrayBuffer> {
  const buffer = new ByteBuffer(1024);
  for (let i = 0; i < count; i++) {
    encoding.appendRecord(buffer, new UsageLogRecord(relayEvent(), "a/b/1", RESOURCE, 0));
  }
  encoding.appendRecord(buffer, new UsageLogRecord(qosEvent(), "", RESOURCE, 0));
  return encoding.encodeRequest(RESOURCE, buffer.view());
}

async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const zipped = new Response(bytes).body!.pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(zipped).arrayBuffer());
}

for (const encoding of ENCODINGS) {
  const { contentType } = encoding;
  Deno.test(`${contentType}: both kinds are taken, compressed too, and answered in kind`, async () => {
    const { rows, post } = setUp();
    const plain = await post(bodyOf(encoding), { "content-type": contentType });
    const zipped = await post(await gzip(bodyOf(encoding)), {
      "content-type": contentType,
      "content-encoding": "gzip",
    });
    for (const response of [plain, zipped]) {
      assertEquals([response.status, response.headers.get("content-type")], [200, contentType]);
      assertEquals(encoding.readRejected(new Uint8Array(await response.arrayBuffer())), 0);
    }
    assertEquals(rows.map(({ kind }) => kind), ["relay_usage", "optimizer_qos", "relay_usage", "optimizer_qos"]);
  });

  Deno.test(`${contentType}: records that are no usage events are counted as rejected, and the others are taken`, async () => {
    const { rows, receiver, post } = setUp();
    const buffer = new ByteBuffer(1024);
    encoding.appendRecord(buffer, new UsageLogRecord(relayEvent(), "a/b/1", RESOURCE, 0));
    encoding.appendRecord(buffer, new UsageLogRecord(relayEvent(), "no id", RESOURCE, 0));
    encoding.appendRecord(buffer, new UsageLogRecord(relayEvent(), "no id either", RESOURCE, 0));
    const response = await post(encoding.encodeRequest(RESOURCE, buffer.view()), { "content-type": contentType });
    const answer = new Uint8Array(await response.arrayBuffer());
    assertEquals([response.status, encoding.readRejected(answer), rows.length], [200, 2, 1]);
    assertStringIncludes(new TextDecoder().decode(answer), "event_id");
    assertEquals(receiver.counts(), { requests: 1, refused: 0, rejected: 2 });
  });

  Deno.test(`${contentType}: what can't be read is refused for good, what can't be stored is asked for again`, async () => {
    const { post } = setUp(() => Promise.resolve({ kind: "failure", message: "full" }));
    const unreadable = await post("{]", { "content-type": contentType });
    assertEquals([unreadable.status, unreadable.headers.get("content-type")], [400, contentType]);
    const unstorable = await post(bodyOf(encoding), { "content-type": contentType });
    assertEquals([unstorable.status, unstorable.headers.get("retry-after")], [503, "1"]);
    assertStringIncludes(await unstorable.text(), "can't be stored now");
  });
}

Deno.test("an answer waits for the store", async () => {
  const stored = Promise.withResolvers<StoreResult>();
  const { post } = setUp(() => stored.promise);
  let isAnswered = false;
  const answer = post(bodyOf(jsonEncoding)).then(() => isAnswered = true);
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(isAnswered, false);
  stored.resolve(STORED);
  await answer;
});

Deno.test("the operator is told of records that are none, now and then, and once of events without ids", async () => {
  const { clock, warnings, post } = setUp();
  const send = async (id: string) => {
    const buffer = new ByteBuffer(1024);
    jsonEncoding.appendRecord(buffer, new UsageLogRecord(relayEvent(), id, RESOURCE, 0));
    await post(jsonEncoding.encodeRequest(RESOURCE, buffer.view()));
  };
  for (const id of ["none", "none", "", "", "a/b/1"]) await send(id);
  await clock.advance(10_000);
  await send("none");
  assertEquals(warnings.map((message) => message.split(";")[0]), [
    "records are no usage events",
    "events come without event_id, so that those that come twice are kept twice",
    "records are no usage events",
  ]);
});

Deno.test("what is not a request for records has its own answer", async () => {
  const { receiver, post } = setUp();
  const statuses = [
    await post("{}", { "content-type": "text/plain" }),
    await post("{}", { "content-type": "application/json; charset=utf-8" }),
    await post("{}", { "content-type": "application/json", "content-encoding": "br" }),
    await post("{}", { "content-type": "application/json" }, "/v1/traces"),
    await receiver.fetch(new Request("http://collector/v1/logs")),
    await receiver.fetch(new Request("http://collector/health")),
    await post(null),
    await post("{}", { "content-type": "application/json", origin: "http://evil.example" }),
  ].map(({ status }) => status);
  assertEquals(statuses, [415, 200, 415, 404, 405, 200, 400, 403]);
});

Deno.test("bodies are bounded: announced, sent, and unpacked", async () => {
  const { post } = setUp();
  const json = { "content-type": "application/json" };
  assertEquals((await post(" ".repeat(10_001), json)).status, 413);
  const unannounced = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(4_000)),
  });
  assertEquals((await post(unannounced, json)).status, 413);
  const bomb = await gzip(new Uint8Array(1_000_000));
  assertEquals((await post(bomb, { ...json, "content-encoding": "gzip" })).status, 400);
  assertEquals((await post("no gzip", { ...json, "content-encoding": "gzip" })).status, 400);
});

Deno.test("a body that does not come is not waited for", async () => {
  const { clock, post } = setUp();
  const answer = post(new ReadableStream({ pull: () => new Promise(() => {}) }));
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 0));
  await clock.advance(1_000);
  assertEquals((await answer).status, 408);
  assertEquals(clock.pending, 0);
});

Deno.test("bodies that are held at once are bounded, and there is room again once they are stored", async () => {
  const stored = Promise.withResolvers<StoreResult>();
  const { post } = setUp(() => stored.promise);
  const zipped = { "content-type": "application/json", "content-encoding": "gzip" };
  const body = await gzip(bodyOf(jsonEncoding));
  const held = [post(body, zipped), post(body, zipped)];
  const refused = await post(body, zipped);
  assertEquals([refused.status, refused.headers.get("retry-after")], [503, "1"]);
  stored.resolve(STORED);
  for (const response of await Promise.all(held)) assertEquals(response.status, 200);
  assertEquals((await post(body, zipped)).status, 200);
});
