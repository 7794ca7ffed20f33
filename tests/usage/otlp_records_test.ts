import { assert, assertEquals } from "@std/assert";
import type { OtelUsageOptions } from "../../mod.ts";
import { RESOURCE, send } from "../support/collect.ts";
import type { TypedValue } from "../support/otlp_request.ts";
import { DOUBLES, INTS, STRANGE_EVENTS, STRANGE_SCORES, TEXTS, TIMES } from "../support/strange_values.ts";
import { qosEvent, relayEvent } from "../support/usage.ts";

const ENCODINGS: Readonly<Record<string, OtelUsageOptions>> = {
  "JSON": { protocol: "http/json" },
  "JSON in gzip": { protocol: "http/json", compression: "gzip" },
  "protobuf": { protocol: "http/protobuf" },
  "protobuf in gzip": { protocol: "http/protobuf", compression: "gzip" },
};

const strings = (values: Record<string, string>) =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, ["string", value] as const]));

const FIFTEEN: Readonly<Record<string, TypedValue>> = {
  ...strings({ project: "acme", chain: "ETH1", api_interface: "jsonrpc", api_method: "eth_blockNumber" }),
  cu: ["int", 10n],
  latency_ms: ["int", 7n],
  success: ["bool", true],
  cache_hit: ["bool", false],
  is_write: ["bool", false],
  is_archive: ["bool", false],
  is_batch: ["bool", false],
  is_debug_trace: ["bool", false],
  hedge_count: ["int", 0n],
  ...strings({ provider: "node", origin: "https://app.example" }),
};

const SCORES: Readonly<Record<string, TypedValue>> = {
  ...strings({ provider: "node", consumer_hostname: "host-1", consumer_pub_address: "smart-router-x" }),
  chain_id: ["string", "ETH1"],
  epoch: ["int", 3n],
  entry_index: ["int", 0n],
  geo_location: ["int", 1n],
  provider_stake: ["int", 100n],
  selection_availability: ["double", 1],
  selection_latency: ["double", 0.97],
  selection_sync: ["double", 0],
  selection_stake: ["double", 0.5],
  selection_composite: ["double", 0.25],
  availability_contribution: ["double", 0.3],
  latency_contribution: ["double", 0.2],
  sync_contribution: ["double", 0.1],
  stake_contribution: ["double", 0.05],
};

for (const [name, options] of Object.entries(ENCODINGS)) {
  Deno.test(`a relay_usage record in ${name}: fifteen attributes, each of its type, empty ones too`, async () => {
    const empty = { project: "", provider: "", origin: "", computeUnits: 0, latencyMs: 0, success: false };
    const [record, emptyRecord] = await send(options, [relayEvent(), relayEvent(empty)]);
    const { observedTimeUnixNano: _observed, ...rest } = record!;
    assertEquals(rest, {
      body: "relay_usage",
      eventName: "relay_usage",
      severityNumber: 9,
      timeUnixNano: 1_767_225_600_123_000_000n,
      attributes: FIFTEEN,
      resource: strings(RESOURCE),
      scope: "relaymeter",
    });
    const blank: Record<string, TypedValue> = { cu: ["int", 0n], latency_ms: ["int", 0n], success: ["bool", false] };
    const texts = strings({ project: "", provider: "", origin: "" });
    assertEquals(emptyRecord!.attributes, { ...FIFTEEN, ...texts, ...blank });
  });

  Deno.test(`an extended record in ${name} has three attributes more`, async () => {
    const failed = relayEvent({ errorClass: "upstream_timeout", attempts: 3 });
    const [record] = await send({ ...options, extended: true }, [failed]);
    const { event_id, ...attributes } = record!.attributes;
    assertEquals(event_id![0], "string");
    assertEquals(attributes, { ...FIFTEEN, error_class: ["string", "upstream_timeout"], attempts: ["int", 3n] });
  });

  Deno.test(`an optimizer_qos record in ${name}: seventeen attributes, each of its type`, async () => {
    const [record] = await send({ ...options, extended: true }, [], [qosEvent()]);
    const { observedTimeUnixNano: _observed, ...rest } = record!;
    assertEquals(rest, {
      body: "optimizer_qos",
      eventName: "optimizer_qos",
      severityNumber: 9,
      timeUnixNano: 1_767_225_600_000_000_000n,
      attributes: SCORES,
      resource: strings(RESOURCE),
      scope: "relaymeter",
    });
  });
}

for (const [name, options] of Object.entries(ENCODINGS)) {
  Deno.test(`strange numbers, times and texts leave well-formed in ${name}`, async () => {
    const records = await send(options, STRANGE_EVENTS, STRANGE_SCORES);
    const usage = records.filter(({ body }) => body === "relay_usage");
    const ints = usage.splice(0, INTS.length).map(({ attributes: { cu, latency_ms } }) => [cu, latency_ms]);
    assertEquals(ints, INTS.map(([, sent]) => [["int", sent], ["int", sent]]));
    assertEquals(usage.splice(0, TIMES.length).map(({ timeUnixNano }) => timeUnixNano), TIMES.map(([, sent]) => sent));
    const texts = usage.map(({ attributes: { project, api_method, origin } }) => [project, api_method, origin]);
    assertEquals(texts, TEXTS.map(([, sent]) => [["string", sent], ["string", sent], ["string", sent]]));
    const doubles = records.filter(({ body }) => body === "optimizer_qos");
    const sent = doubles.map(({ attributes: { selection_latency, stake_contribution } }) => [
      selection_latency,
      stake_contribution,
    ]);
    assertEquals(sent, DOUBLES.map(([, value]) => [["double", value], ["double", value]]));
  });

  Deno.test(`a time that 64 bits of nanoseconds can't hold costs no other event its place in ${name}`, async () => {
    const records = await send(options, [relayEvent(), relayEvent({ timeUnixMs: 8.64e15 }), relayEvent()]);
    const ordinary = 1_767_225_600_123_000_000n;
    assertEquals(records.map(({ timeUnixNano }) => timeUnixNano), [ordinary, 0n, ordinary]);
  });

  Deno.test(`a text of 10 MB is cut, marked, and still Unicode in ${name}`, async () => {
    const texts = ["x".repeat(10_000_000), "🦊".repeat(5_000_000), `x${"🦊".repeat(5_000_000)}`, "x".repeat(65_537)];
    const events = [...texts, "y".repeat(65_536)].map((apiMethod) => relayEvent({ apiMethod, origin: apiMethod }));
    const records = await send(options, events);
    const sent = records.map(({ attributes }) => attributes["api_method"]![1] as string);
    assert(sent.pop() === "y".repeat(65_536), "the longest text that is not cut");
    for (const [index, text] of sent.entries()) {
      assert(text.length <= 65_536 && text.length > 65_000, `${text.length}`);
      assert(text.endsWith("…[cut]"), text.slice(-10));
      assert(texts[index]!.startsWith(text.slice(0, 65_000)), `text ${index}`);
    }
  });

  Deno.test(`a resource with strange texts leaves well-formed in ${name}`, async () => {
    const [record] = await send({ ...options, resource: { "a\ud800": "b\udc00", "c": "" } }, [relayEvent()]);
    assertEquals(record!.resource, { "a\ufffd": ["string", "b\ufffd"], "c": ["string", ""] });
  });
}
