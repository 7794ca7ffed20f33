import { assertEquals } from "@std/assert";
import { RELAY_ERRORS, type RelayErrorCode, traitsOf } from "../../src/domain/relay_error.ts";

const CODES = Object.keys(RELAY_ERRORS) as RelayErrorCode[];

function codesWhere(condition: (code: RelayErrorCode) => boolean): RelayErrorCode[] {
  return CODES.filter(condition).sort();
}

Deno.test("a call is charged although it failed only where a node answered with an error response", () => {
  assertEquals(codesWhere((code) => traitsOf(code).charged), ["upstream_http_error", "upstream_rate_limited"]);
});

Deno.test("no node is blamed, and no other one asked, for what the client or the relay did", () => {
  const blamed = codesWhere((code) => {
    const { fault, askAnother, penalise, charged } = traitsOf(code);
    return fault !== "upstream" && (askAnother || penalise || charged);
  });
  assertEquals(blamed, []);
});

Deno.test("the HTTP status tells whose fault it was: 4xx the client's, 502 and 504 the nodes', 500 and 503 the relay's", () => {
  const statuses = { client: [400, 405, 408, 413, 414, 415, 429, 499], upstream: [502, 504], relay: [500, 503] };
  assertEquals(codesWhere((code) => !statuses[traitsOf(code).fault].includes(traitsOf(code).httpStatus)), []);
});
