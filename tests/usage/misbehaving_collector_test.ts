import { assert, assertEquals } from "@std/assert";
import type { OtelUsageOptions } from "../../mod.ts";
import { PostClient } from "../../src/transports/http1/post_client.ts";
import { denoConnect } from "../../src/transports/http1/deno_connect.ts";
import { openUsageSink } from "../../src/usage/create_usage_sink.ts";
import { postByFetch } from "../../src/usage/post_by_fetch.ts";
import { type Behaviour, Collector } from "../support/collector.ts";
import { countsOf, fastClock, relayEvent, untilSettled } from "../support/usage.ts";

/** What became of three events: counts of the ledger, and how many of them the collector has, each counted once. */
type Outcome = Readonly<Record<string, number>>;

interface Case {
  /** What the collector does first; then it accepts. */
  readonly script?: readonly Behaviour[];
  /** What it does for one and a half request timeouts, before it accepts. */
  readonly outage?: Behaviour | "gone";
  readonly outcome: Outcome;
  /** What the official exporter makes of it instead, and why. */
  readonly sdk?: { readonly outcome: Outcome; readonly reason: string };
}

const ALL: Outcome = { exported: 3, delivered: 3 };
const REFUSED: Outcome = { rejected: 3, delivered: 0 };
const GIVEN_UP: Outcome = { retry_exhausted: 3, delivered: 0 };
const status = (code: number, retryAfter?: string | (() => string)): Behaviour => ({
  kind: "status",
  status: code,
  ...(retryAfter !== undefined && { retryAfter }),
});
const inTwoSeconds = () => new Date(Date.now() + 2_000).toUTCString();
const ONE_TIMEOUT = "its timeout is for the request and all retries together, so that an outage loses the batch";

const CASES: Readonly<Record<string, Case>> = {
  "accepts": { outcome: ALL },
  "is slow": { script: [{ kind: "slow", delayMs: 50 }], outcome: ALL },
  "never answers one request": {
    script: [{ kind: "hang" }],
    outcome: ALL,
    sdk: { outcome: GIVEN_UP, reason: ONE_TIMEOUT },
  },
  "cuts the connection before the body": { script: [{ kind: "cut", at: "head" }], outcome: ALL },
  "cuts the connection after the body": { script: [{ kind: "cut", at: "body" }], outcome: ALL },
  "cuts the connection many times": {
    script: Array.from({ length: 8 }, () => ({ kind: "cut", at: "body" })),
    outcome: ALL,
    sdk: { outcome: { retry_exhausted: 3, delivered: 3 }, reason: "five retries, or its timeout, and no more" },
  },
  "breaks off in the middle of its yes": { script: [{ kind: "cut", at: "answer" }], outcome: ALL },
  "says yes without end": {
    script: [{ kind: "endless", bytes: 16 * 1024 * 1024 }],
    outcome: ALL,
    sdk: {
      outcome: { retry_exhausted: 3, delivered: 3 },
      reason: "a long body counts as a failure, whatever its status",
    },
  },
  "says yes and then nothing more": {
    script: [{ kind: "endless", bytes: 0 }],
    outcome: ALL,
    sdk: {
      outcome: { retry_exhausted: 3, delivered: 3 },
      reason: "a yes counts when its body has ended, and not before",
    },
  },
  "says yes with a body that is none": { script: [{ kind: "body", body: "<html>\n\b\u0003" }], outcome: ALL },
  "says yes with null": { script: [{ kind: "body", body: "null" }], outcome: ALL },
  "rejects two": {
    script: [{ kind: "partial", rejected: 2 }],
    outcome: { exported: 1, rejected: 2, delivered: 1 },
    sdk: { outcome: { exported: 3, delivered: 1 }, reason: "a partial success counts as a success" },
  },
  "rejects all": {
    script: [{ kind: "partial", rejected: 3 }],
    outcome: REFUSED,
    sdk: { outcome: { exported: 3, delivered: 0 }, reason: "a partial success counts as a success" },
  },
  "rejects more than it was sent": {
    script: [{ kind: "partial", rejected: 1_000 }],
    outcome: REFUSED,
    sdk: { outcome: { exported: 3, delivered: 0 }, reason: "a partial success counts as a success" },
  },
  ...Object.fromEntries([400, 401, 404, 413, 500, 501].map((code) => [
    `answers ${code}`,
    { script: [status(code)], outcome: REFUSED },
  ])),
  ...Object.fromEntries([429, 502, 503, 504].map((code) => [
    `answers ${code} once`,
    { script: [status(code)], outcome: ALL },
  ])),
  "points elsewhere": {
    script: [{ kind: "redirect" }],
    outcome: REFUSED,
    sdk: { outcome: GIVEN_UP, reason: "its error for a redirect does not read as a refusal" },
  },
  "asks to wait, in seconds": { script: [status(429, "1")], outcome: ALL },
  "asks to wait, with a date": { script: [status(503, inTwoSeconds)], outcome: ALL },
  "asks to wait a day": {
    script: [status(429, "86400")],
    outcome: ALL,
    sdk: { outcome: GIVEN_UP, reason: "a wait longer than what is left of its timeout loses the batch" },
  },
  "asks to wait until 2099": {
    script: [status(429, "Thu, 01 Jan 2099 00:00:00 GMT")],
    outcome: ALL,
    sdk: { outcome: GIVEN_UP, reason: "a wait longer than what is left of its timeout loses the batch" },
  },
  "asks to wait for something": { script: [status(429, "a while")], outcome: ALL },
  "asks to wait less than nothing": { script: [status(429, "-5")], outcome: ALL },
  "asks to wait until long ago": { script: [status(429, "Thu, 01 Jan 1970 00:00:00 GMT")], outcome: ALL },
  "answers 503 for longer than a request may take": {
    outage: status(503),
    outcome: ALL,
    sdk: { outcome: GIVEN_UP, reason: ONE_TIMEOUT },
  },
  "is away for longer than a request may take": {
    outage: "gone",
    outcome: ALL,
    sdk: { outcome: GIVEN_UP, reason: ONE_TIMEOUT },
  },
};

/** Emits three events towards a collector of the case, and sees what becomes of them. */
async function play(
  { script = [], outage }: Case,
  options: OtelUsageOptions,
  timeoutMs: number,
  post = postByFetch(fetch),
): Promise<Outcome> {
  await using collector = new Collector(...script);
  const usage = await openUsageSink({
    ...options,
    url: collector.url,
    extended: true,
    batchSize: 3,
    resource: { "service.instance.id": "i" },
  }, post);
  if (outage === "gone") collector.goAway();
  else if (outage !== undefined) collector.otherwise = outage;
  for (let i = 0; i < 3; i++) usage.emit(relayEvent());
  const settled = untilSettled(usage);
  if (outage !== undefined) {
    await new Promise((resolve) => setTimeout(resolve, 1.5 * timeoutMs));
    collector.otherwise = { kind: "accept" };
    collector.comeBack();
  }
  const { accepted: _accepted, ...counts } = countsOf((await settled).relay_usage);
  await usage.close();
  assertEquals(collector.problems, []);
  assertEquals(collector.requests.map(({ path }) => path).filter((path) => path !== "/v1/logs"), []);
  return { ...counts, delivered: new Set(collector.records.map(({ attributes }) => attributes["event_id"]![1])).size };
}

const SPEED = 50;
const OURS: Readonly<Record<string, OtelUsageOptions>> = {
  "JSON": { protocol: "http/json" },
  "protobuf in gzip": { protocol: "http/protobuf", compression: "gzip" },
};

for (const [encoding, options] of Object.entries(OURS)) {
  for (const [name, scenario] of Object.entries(CASES)) {
    Deno.test(`a collector that ${name}, sent ${encoding}`, async () => {
      const timed = { ...options, clock: fastClock(SPEED), exportTimeoutMs: 10_000 };
      assertEquals(await play(scenario, timed, 10_000 / SPEED), scenario.outcome);
    });
  }
}

for (const [name, scenario] of Object.entries(CASES)) {
  Deno.test(`a collector that ${name}, over connections of the relay's own`, async () => {
    const clock = fastClock(SPEED);
    const own = new PostClient({
      connect: denoConnect,
      clock,
      fallback: () => Promise.reject(new Error("unused")),
    });
    assertEquals(await play(scenario, { clock, exportTimeoutMs: 10_000 }, 10_000 / SPEED, own.post), scenario.outcome);
    own.close();
  });
}

Deno.test("the official exporter keeps up, but for the failures that are listed", async () => {
  const timeoutMs = 2_500;
  const played = Object.entries(CASES).map(async ([name, scenario]) => {
    const outcome = await play(scenario, { exporter: "sdk", exportTimeoutMs: timeoutMs }, timeoutMs);
    return [name, outcome] as const;
  });
  const expected = Object.entries(CASES).map(([name, { outcome, sdk }]) => [name, sdk?.outcome ?? outcome]);
  assertEquals(Object.fromEntries(await Promise.all(played)), Object.fromEntries(expected));
});

Deno.test("every failure that is listed is one, and has its reason", () => {
  for (const [name, { outcome, sdk }] of Object.entries(CASES)) {
    if (sdk === undefined) continue;
    assert(JSON.stringify(sdk.outcome) !== JSON.stringify(outcome), name);
    assert(sdk.reason !== "", name);
  }
});
