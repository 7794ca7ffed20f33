import { assert, assertEquals } from "@std/assert";
import { formatTimeout, parseTimeout } from "../../../src/domain/grpc_timeout.ts";
import { RELAY_ERRORS, type RelayErrorCode } from "../../../src/domain/relay_error.ts";
import { fieldOf } from "../../../src/domain/wire.ts";
import { createCall, decodeHead, isUnmetered } from "../../../src/protocols/grpc/call.ts";
import { errorTrailers } from "../../../src/protocols/grpc/errors.ts";
import { MessageScanner } from "../../../src/protocols/grpc/message_scanner.ts";
import { isGrpc, readHead, readTrailers } from "../../../src/protocols/grpc/read_answer.ts";
import { decodeMessage, encodeMessage } from "../../../src/protocols/grpc/status.ts";
import { message } from "../../support/grpc_wire.ts";
import { seededRandom } from "../../support/seeded_random.ts";

Deno.test("grpc-timeout, both ways and never longer", () => {
  const texts = { "1H": 3_600_000, "2M": 120_000, "3S": 3_000, "4m": 4, "500u": 0.5, "99999999n": 99.999999 };
  for (const [text, ms] of Object.entries(texts)) assertEquals(parseTimeout(text), ms);
  for (const text of ["", "1", "m", "1x", "-1m", "1.5S", "123456789m", " 1m"]) {
    assertEquals(parseTimeout(text), undefined);
  }
  for (const ms of [0, 0.2, 1, 99.9994, 99_999, 123_456_789, 1e9, 1e12, 1e15]) {
    const text = formatTimeout(ms);
    assert(/^\d{1,8}[HMSmun]$/.test(text), text);
    const back = parseTimeout(text)!;
    assert(back <= ms && (back > ms * 0.98 - 1 || ms > 9e10), `${ms} became ${text}`);
  }
});

Deno.test("messages of a status survive in any language", () => {
  for (const text of ["", "plain", "100 %", "ümläut €", "😀\n\u0000"]) {
    const encoded = encodeMessage(text);
    assert(/^[\x20-\x7e]*$/.test(encoded));
    assertEquals(decodeMessage(encoded), text);
  }
  assertEquals(decodeMessage("50% of %zz"), "50% of %zz");
});

Deno.test("messages are followed wherever they are cut", () => {
  const random = seededRandom(3);
  for (let round = 0; round < 200; round++) {
    const sizes = Array.from({ length: Math.floor(random() * 8) }, () => Math.floor(random() ** 3 * 2_000));
    const bytes = sizes.flatMap((size) => [...message(new Uint8Array(size), size % 2)]);
    const scanner = new MessageScanner(2_000);
    for (let at = 0; at < bytes.length;) {
      const to = at + 1 + Math.floor(random() * 700);
      assertEquals(scanner.push(Uint8Array.from(bytes.slice(at, to))), undefined);
      at = to;
    }
    assertEquals([scanner.messages, scanner.isAtBoundary], [sizes.length, true]);
  }
  assertEquals(new MessageScanner(10).push(message(new Uint8Array(11)))?.code, "body_too_large");
  assertEquals(new MessageScanner(2 ** 32).push(Uint8Array.of(0, 255, 255, 255, 255)), undefined);
  assertEquals(new MessageScanner(10).push(Uint8Array.of(2, 0, 0, 0, 0))?.code, "invalid_request");
});

Deno.test("every error of the relay has a status that is none of success", () => {
  for (const code of Object.keys(RELAY_ERRORS) as RelayErrorCode[]) {
    const fields = errorTrailers({ code, message: "a € b" });
    assert(Number(fieldOf(fields, "grpc-status")) > 0);
    assertEquals(fieldOf(fields, "grpc-message"), "a %E2%82%AC b");
    assertEquals(fieldOf(fields, "lava-error-code"), code);
  }
});

Deno.test("content types", () => {
  for (const type of ["application/grpc", "application/grpc+proto", "application/grpc; x", "Application/gRPC+json"]) {
    assert(isGrpc(type), type);
  }
  for (const type of ["", "text/html", "application/grpc-web", "application/grpcx", "application/json"]) {
    assert(!isGrpc(type), type);
  }
});

/** What nodes say, and how it is taken. */
const STATUSES: readonly (readonly [status: string, text: string, reading: string])[] = [
  ["0", "", "success"],
  ["14", "", "overloaded"],
  ["8", "quota", "rate_limited"],
  ["8", "grpc: received message larger than max (9 vs. 8)", "deterministic"],
  ["3", "", "deterministic"],
  ["5", "", "deterministic"],
  ["12", "", "deterministic"],
  ["2", "failed to load state at height 5; version does not exist (latest height: 9)", "missing_data"],
  ["2", "%e2%82%ac", "unknown"],
  ["99", "", "unknown"],
  ["", "", "malformed_answer"],
  ["x", "", "malformed_answer"],
];

for (const [status, text, expected] of STATUSES) {
  Deno.test(`status ${status || "missing"} ${text.slice(0, 20)} is ${expected}`, () => {
    const reading = readTrailers([...(status === "" ? [] : [["grpc-status", status] as const]), [
      "grpc-message",
      text,
    ]]);
    const actual = reading.kind === "failure" ? reading.error.code : reading.kind === "end" && reading.nodeError;
    assertEquals(actual ?? "success", expected);
  });
}

Deno.test("heads", () => {
  const grpc = ["content-type", "application/grpc"] as const;
  assertEquals(readHead([[":status", "200"], grpc], false).kind, "open");
  assertEquals(readHead([[":status", "200"], grpc, ["grpc-status", "0"]], true).kind, "end");
  const codeOf = (...args: Parameters<typeof readHead>) => {
    const reading = readHead(...args);
    return reading.kind === "failure" ? reading.error.code : reading.kind;
  };
  assertEquals(codeOf([[":status", "200"], grpc], true), "malformed_answer");
  assertEquals(codeOf([[":status", "200"], ["content-type", "text/html"]], false), "malformed_answer");
  assertEquals(codeOf([[":status", "503"]], false), "upstream_http_error");
  assertEquals(codeOf([[":status", "429"]], true), "upstream_rate_limited");
});

Deno.test("requests", () => {
  const head = (more: readonly [string, string][]) =>
    decodeHead([[":method", "POST"], [":path", "/a.B/C"], ["content-type", "application/grpc+x"], ...more]);
  const decoded = head([["te", "trailers"], ["grpc-timeout", "1S"], ["grpc-encoding", "gzip"], ["lava-x", "1"]]);
  assert(decoded.kind === "call");
  assertEquals(decoded.call.timeoutMs, 1_000);
  assertEquals(decoded.call.call.nodeRequest.headers, [["content-type", "application/grpc+x"], [
    "grpc-encoding",
    "gzip",
  ]]);
  assertEquals(head([["grpc-timeout", "soon"]]).kind, "failure");
  assertEquals(decodeHead([[":method", "GET"]]), { kind: "http", status: 405 });
  assertEquals(decodeHead([[":method", "POST"], ["content-type", "text/plain"]]), { kind: "http", status: 415 });
  for (const path of ["", "/", "/a", "/a/b/c", "/a/b?c", "a/b", `/${"x".repeat(2_000)}/y`]) {
    const fields = [[":method", "POST"], [":path", path], ["content-type", "application/grpc"]] as const;
    assertEquals(decodeHead(fields).kind, "failure", path);
  }
  assert(isUnmetered("grpc.health.v1.Health/Watch") && isUnmetered("grpc.reflection.v1alpha.ServerReflection/X"));
  assert(!isUnmetered("my.grpc.health.v1.Health/Check") && !isUnmetered("grpc.healthy/Check"));
});

Deno.test("a whole reply is read with its trailers", () => {
  const call = createCall("/a.B/C", [], new Uint8Array());
  const reply = {
    status: 200,
    headers: [[":status", "200"], ["content-type", "application/grpc"]] as const,
    retryAfterMs: 0,
  };
  const answer = call.readReply({ ...reply, body: new Uint8Array(5), trailers: [["grpc-status", "0"]] });
  assertEquals(answer.kind === "answer" && answer.succeededParts, 1);
  const error = call.readReply({ ...reply, body: new Uint8Array(), trailers: [["grpc-status", "14"]] });
  assertEquals(error.kind === "answer" && error.nodeError, "overloaded");
});
