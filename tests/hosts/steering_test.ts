import { assert, assertEquals } from "@std/assert";
import { NO_STEERING, type Steering } from "../../src/domain/steering.ts";
import { readSteering } from "../../src/hosts/request_headers.ts";

/** Headers of a request, and how it is to be relayed. */
const GOOD: readonly (readonly [Readonly<Record<string, string>>, Partial<Steering>])[] = [
  [{}, {}],
  [{ "lava-relay-timeout": "1m30s" }, { requestedTimeoutMs: 90_000 }],
  [{ "lava-extension": "archive, debug,archive,," }, { extensions: ["archive", "debug"] }],
  [{ "lava-select-provider": " my node " }, { selectProvider: "my node" }],
  [{ "lava-stickiness": "session-5" }, { stickiness: "session-5" }],
  [{ "lava-providers-block": "a,b , c" }, { blockedProviders: ["a", "b", "c"] }],
  [{ "lava-force-cache-refresh": "true" }, { forcesCacheRefresh: true }],
  [{ "Lava-Force-Cache-Refresh": "False" }, {}],
  [{ "lava-debug-relay": "1" }, { debug: true }],
  [{ "lava-debug-relay": "" }, {}],
  [
    { "lava-cross-validation-max-participants": "5", "lava-cross-validation-agreement-threshold": "3" },
    { crossValidation: { maxParticipants: 5, agreementThreshold: 3 } },
  ],
  [
    { "lava-cross-validation-max-participants": "50", "lava-cross-validation-agreement-threshold": "50" },
    { crossValidation: { maxParticipants: 50, agreementThreshold: 50 } },
  ],
];

for (const [headers, expected] of GOOD) {
  Deno.test(`headers ${JSON.stringify(headers)} steer`, () => {
    const read = readSteering(new Headers(headers), "192.0.2.1");
    assertEquals(read.kind === "steering" && read.steering, { ...NO_STEERING, ...expected });
  });
}

/** Headers that can't be meant. */
const BAD: readonly Readonly<Record<string, string>>[] = [
  { "lava-relay-timeout": "5" },
  { "lava-relay-timeout": "11m" },
  { "lava-relay-timeout": "-1s" },
  { "lava-extension": "a,b,c,d,e,f,g,h,i" },
  { "lava-extension": "a".repeat(257) },
  { "lava-select-provider": "a".repeat(257) },
  { "lava-stickiness": "a".repeat(257) },
  { "lava-providers-block": Array.from({ length: 65 }, (_, i) => i).join(",") },
  { "lava-force-cache-refresh": "yes" },
  { "lava-debug-relay": "2" },
  { "lava-cross-validation-max-participants": "0", "lava-cross-validation-agreement-threshold": "1" },
  { "lava-cross-validation-max-participants": "51", "lava-cross-validation-agreement-threshold": "1" },
  { "lava-cross-validation-max-participants": "x", "lava-cross-validation-agreement-threshold": "1" },
  { "lava-cross-validation-max-participants": "3" },
  { "lava-cross-validation-agreement-threshold": "3" },
  { "lava-cross-validation-max-participants": "3", "lava-cross-validation-agreement-threshold": "4" },
];

for (const headers of BAD) {
  Deno.test(`headers ${JSON.stringify(headers).slice(0, 100)} are refused, and the message names one`, () => {
    const read = readSteering(new Headers(headers), "");
    assertEquals(read.kind === "failure" && read.error.code, "invalid_header");
    const message = read.kind === "failure" ? read.error.message : "";
    assert(/^lava-[a-z-]+ (?:must be|is longer|names more)/.test(message), message);
  });
}
