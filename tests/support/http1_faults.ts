import type { Act } from "./raw_node.ts";

/** An answer of a known length. */
export function answerOf(body: string, fields = ""): string {
  return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${fields}\r\n${body}`;
}

type Outcome = "answer" | "101" | "malformed_answer" | "answer_too_large" | "upstream_disconnected";

/** What a node does wrong with the first request on a connection. */
export interface Fault {
  readonly name: string;
  readonly act: Act;
  /** What comes of it: the answer, where that was complete before, a status without a body, or the code of an error. */
  readonly outcome: Outcome;
  /** What comes of it with the platform's `fetch`, which takes some of it for good, and does not tell what was wrong. */
  readonly withFetch: Outcome;
}

/** Answers one request so, and leaves the connection open. */
export function once(text: string): Act {
  return async (peer) => {
    await peer.request();
    await peer.write(text);
    await peer.ended();
  };
}

const HEAD = "HTTP/1.1 200 OK\r\n";
const CHUNKED = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`;

/** Each goes wrong with a request to which the answer were `goodOf(request)`. */
export function httpFaults(goodOf: (request: string) => string): readonly Fault[] {
  const gone = "upstream_disconnected";
  const fault = (name: string, outcome: Outcome, withFetch: Outcome, act: Act) => ({ name, act, outcome, withFetch });
  /** Sends a text made of the good answer, then goes on as it says. */
  const sending = (textOf: (good: string) => string, then: Act = (peer) => peer.ended()): Act => async (peer) => {
    const good = goodOf(await peer.request() ?? "");
    await peer.write(textOf(good));
    await then(peer);
  };
  const announced = (good: string) => `${HEAD}Content-Length: ${good.length}\r\n`;
  const cut = (good: string) => `${announced(good)}\r\n${good.slice(0, -1)}`;
  const halfClose: Act = async (peer) => {
    await peer.endWriting();
    await peer.ended();
  };
  const close: Act = () => Promise.resolve();
  const malformed = (name: string, textOf: (good: string) => string, withFetch: Outcome = gone) =>
    fault(name, "malformed_answer", withFetch, sending(textOf));
  const endless = (name: string, outcome: Outcome, start: string, more: string) =>
    fault(
      name,
      outcome,
      outcome === "answer_too_large" ? outcome : gone,
      sending(() => start, (peer) => peer.writeForEver(more)),
    );
  return [
    malformed("two answers", (good) => answerOf(good) + answerOf(good.toUpperCase()), "answer"),
    malformed("garbage behind the answer", (good) => `${answerOf(good)}garbage`, "answer"),
    malformed("no HTTP at all", () => "SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    malformed("two lengths", (good) => `${announced(good)}Content-Length: 1\r\n\r\n${good}`),
    malformed("another protocol", () => "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "101"),
    malformed("a chunk of no size", () => `${CHUNKED}zz\r\n`),
    endless("headers without end", "malformed_answer", HEAD, "x: 0123456789\r\n".repeat(1_000)),
    endless("one header without end", "malformed_answer", `${HEAD}x: `, "0123456789".repeat(1_000)),
    endless("chunk extensions without end", "malformed_answer", `${CHUNKED}1;`, "x".repeat(10_000)),
    endless("trailers without end", "malformed_answer", `${CHUNKED}0\r\n`, "x: 0123456789\r\n".repeat(1_000)),
    endless("a body without end", "answer_too_large", `${HEAD}\r\n`, "0123456789".repeat(1_000)),
    endless("chunks without end", "answer_too_large", CHUNKED, `2710\r\n${"0123456789".repeat(1_000)}\r\n`),
    fault(
      "2 GB announced",
      "answer_too_large",
      "answer_too_large",
      sending(() => `${HEAD}Content-Length: 2147483648\r\n\r\n`),
    ),
    fault("an end in the middle of a chunk", gone, gone, sending(() => `${CHUNKED}5\r\nhe`, close)),
    fault("an end in the middle of the body", gone, gone, sending(cut, close)),
    fault("half a close without an answer", gone, gone, sending(() => "", halfClose)),
    fault("half a close in the middle of the body", gone, gone, sending(cut, halfClose)),
    fault("half a close behind the answer", "answer", "answer", sending((good) => answerOf(good), halfClose)),
    fault("a reset without an answer", gone, gone, (peer) => peer.reset()),
    fault("a reset in the middle of the body", gone, gone, (peer) => peer.reset(cut("hello"))),
    fault("a reset in the middle of a chunk", gone, gone, (peer) => peer.reset(`${CHUNKED}5\r\nhe`)),
  ];
}
