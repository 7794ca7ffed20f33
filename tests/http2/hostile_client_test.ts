import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../src/domain/clock.ts";
import { createDenoWire } from "../../src/http2/deno_wire.ts";
import { FLAG, FRAME, MAX_31_BITS, SETTING } from "../../src/http2/frame.ts";
import type { Http2Limits, Http2Server } from "../../src/http2/port.ts";
import { block, frame, headers, HELLO, RawPeer, setting, uint32 } from "../support/http2_raw.ts";
import { accept, open, requestFields, type Side } from "../support/http2_streams.ts";

const { END_HEADERS, END_STREAM, PADDED, PRIORITY } = FLAG;
const OPEN = headers(1, END_HEADERS);

/** Runs against a server that answers nothing, and checks that nothing of the peer is left there afterwards. */
async function serve(
  run: (peer: RawPeer, server: Http2Server, sides: Side[]) => Promise<void>,
  limits: Http2Limits = {},
): Promise<void> {
  const sides: Side[] = [];
  const server = await createDenoWire(systemClock, { headTooLarge: [[":status", "200"], ["grpc-status", "8"]] }).listen(
    {
      hostname: "127.0.0.1",
      port: 0,
      ...limits,
      onStream(incoming) {
        const side = accept(incoming);
        side.reads = false;
        sides.push(side);
        return side;
      },
    },
  );
  const peer = await RawPeer.connect(server.port);
  try {
    await run(peer, server, sides);
  } finally {
    await peer.close();
    await server.close();
  }
  assertEquals([server.openStreams, server.openConnections], [0, 0]);
  for (const side of sides) assert(side.isOver, "each stream is told that it is over");
}

/** What a client sends, and how the connection ends for it. */
const VIOLATIONS: Readonly<Record<string, readonly [expected: string, bytes: readonly number[]]>> = {
  "HTTP/1": ["GOAWAY PROTOCOL_ERROR", [...new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n")]],
  "no SETTINGS first": ["GOAWAY PROTOCOL_ERROR", [...HELLO.slice(0, 24), ...OPEN]],
  "a frame larger than allowed": ["GOAWAY FRAME_SIZE_ERROR", [...HELLO, ...frame(0, 0, 1, [], 16_385)]],
  "DATA of no stream": ["GOAWAY PROTOCOL_ERROR", [...HELLO, ...frame(FRAME.DATA, 0, 0, [1])]],
  "DATA of an idle stream": ["GOAWAY PROTOCOL_ERROR", [...HELLO, ...frame(FRAME.DATA, 0, 5, [1])]],
  "HEADERS of no stream": ["GOAWAY PROTOCOL_ERROR", [...HELLO, ...headers(0)]],
  "HEADERS of an even stream": ["GOAWAY PROTOCOL_ERROR", [...HELLO, ...headers(2)]],
  "RST_STREAM of an idle stream": ["GOAWAY PROTOCOL_ERROR", [...HELLO, ...frame(FRAME.RST_STREAM, 0, 1, uint32(8))]],
  "RST_STREAM of three bytes": [
    "GOAWAY FRAME_SIZE_ERROR",
    [...HELLO, ...OPEN, ...frame(FRAME.RST_STREAM, 0, 1, [0, 0, 8])],
  ],
  "WINDOW_UPDATE of an idle stream": [
    "GOAWAY PROTOCOL_ERROR",
    [...HELLO, ...frame(FRAME.WINDOW_UPDATE, 0, 1, uint32(8))],
  ],
  "WINDOW_UPDATE by nothing": ["GOAWAY PROTOCOL_ERROR", [...HELLO, ...frame(FRAME.WINDOW_UPDATE, 0, 0, uint32(0))]],
  "WINDOW_UPDATE beyond 2^31": [
    "GOAWAY FLOW_CONTROL_ERROR",
    [...HELLO, ...frame(FRAME.WINDOW_UPDATE, 0, 0, uint32(MAX_31_BITS))],
  ],
  "PING of seven bytes": ["GOAWAY FRAME_SIZE_ERROR", [...HELLO, ...frame(FRAME.PING, 0, 0, [1, 2, 3, 4, 5, 6, 7])]],
  "PING of a stream": ["GOAWAY PROTOCOL_ERROR", [...HELLO, ...frame(FRAME.PING, 0, 1, uint32(1).concat(uint32(1)))]],
  "SETTINGS of a stream": ["GOAWAY PROTOCOL_ERROR", [...HELLO, ...frame(FRAME.SETTINGS, 0, 1)]],
  "SETTINGS that are cut off": ["GOAWAY FRAME_SIZE_ERROR", [...HELLO, ...frame(FRAME.SETTINGS, 0, 0, [0, 1, 0])]],
  "an ACK of SETTINGS with a payload": [
    "GOAWAY FRAME_SIZE_ERROR",
    [...HELLO, ...frame(FRAME.SETTINGS, FLAG.ACK, 0, setting(1, 1))],
  ],
  "ENABLE_PUSH of 2": [
    "GOAWAY PROTOCOL_ERROR",
    [...HELLO, ...frame(FRAME.SETTINGS, 0, 0, setting(SETTING.ENABLE_PUSH, 2))],
  ],
  "INITIAL_WINDOW_SIZE beyond 2^31": [
    "GOAWAY FLOW_CONTROL_ERROR",
    [...HELLO, ...frame(FRAME.SETTINGS, 0, 0, setting(SETTING.INITIAL_WINDOW_SIZE, 2 ** 31))],
  ],
  "MAX_FRAME_SIZE of 1": [
    "GOAWAY PROTOCOL_ERROR",
    [...HELLO, ...frame(FRAME.SETTINGS, 0, 0, setting(SETTING.MAX_FRAME_SIZE, 1))],
  ],
  "windows that a change of settings makes too large": [
    "GOAWAY FLOW_CONTROL_ERROR",
    [
      ...HELLO,
      ...OPEN,
      ...frame(FRAME.WINDOW_UPDATE, 0, 1, uint32(MAX_31_BITS - 65_535)),
      ...frame(FRAME.SETTINGS, 0, 0, setting(SETTING.INITIAL_WINDOW_SIZE, 65_536)),
    ],
  ],
  "PUSH_PROMISE": ["GOAWAY PROTOCOL_ERROR", [...HELLO, ...frame(FRAME.PUSH_PROMISE, 0, 1, uint32(2))]],
  "CONTINUATION of nothing": ["GOAWAY PROTOCOL_ERROR", [...HELLO, ...frame(FRAME.CONTINUATION, END_HEADERS, 1)]],
  "a header block that is interrupted": [
    "GOAWAY PROTOCOL_ERROR",
    [...HELLO, ...headers(1, 0), ...frame(FRAME.PING, 0, 0, new Array(8).fill(0))],
  ],
  "a header block that goes on in another stream": [
    "GOAWAY PROTOCOL_ERROR",
    [...HELLO, ...headers(1, 0), ...frame(FRAME.CONTINUATION, END_HEADERS, 3)],
  ],
  "a header block that can't be read": [
    "GOAWAY COMPRESSION_ERROR",
    [...HELLO, ...frame(FRAME.HEADERS, END_HEADERS, 1, [0x80])],
  ],
  "padding longer than its frame": [
    "GOAWAY PROTOCOL_ERROR",
    [...HELLO, ...OPEN, ...frame(FRAME.DATA, PADDED, 1, [9, 1, 2])],
  ],
  "padding without its length": ["GOAWAY FRAME_SIZE_ERROR", [...HELLO, ...OPEN, ...frame(FRAME.DATA, PADDED, 1)]],
  "more CONTINUATION frames than a block may have": [
    "GOAWAY ENHANCE_YOUR_CALM",
    [...HELLO, ...headers(1, 0), ...new Array(20).fill(frame(FRAME.CONTINUATION, 0, 1)).flat()],
  ],
  "a flood of PING": [
    "GOAWAY ENHANCE_YOUR_CALM",
    [...HELLO, ...new Array(2_100).fill(frame(FRAME.PING, 0, 0, new Array(8).fill(0))).flat()],
  ],
  "a flood of SETTINGS": ["GOAWAY ENHANCE_YOUR_CALM", [...HELLO, ...new Array(2_100).fill(HELLO.slice(24)).flat()]],
  "a flood of empty DATA": [
    "GOAWAY ENHANCE_YOUR_CALM",
    [...HELLO, ...OPEN, ...new Array(2_100).fill(frame(FRAME.DATA, 0, 1)).flat()],
  ],
  "a flood of unknown frames": [
    "GOAWAY ENHANCE_YOUR_CALM",
    [...HELLO, ...new Array(2_100).fill(frame(99, 0, 1)).flat()],
  ],
  "a flood of resets": [
    "GOAWAY ENHANCE_YOUR_CALM",
    [
      ...HELLO,
      ...Array.from({ length: 1_100 }, (_, i) => [
        ...headers(2 * i + 1, END_HEADERS),
        ...frame(FRAME.RST_STREAM, 0, 2 * i + 1, uint32(8)),
      ]).flat(),
    ],
  ],
  "a flood of broken requests": [
    "GOAWAY ENHANCE_YOUR_CALM",
    [
      ...HELLO,
      ...Array.from({ length: 2_100 }, (_, i) => [
        ...frame(FRAME.HEADERS, END_HEADERS, 2 * i + 1, block([["x", "y"]])),
        ...frame(FRAME.WINDOW_UPDATE, 0, 2 * i + 1, uint32(1)),
      ]).flat(),
    ],
  ],
};

for (const [name, [expected, bytes]] of Object.entries(VIOLATIONS)) {
  Deno.test(`ends the connection: ${name}`, () =>
    serve(async (peer) => {
      await peer.send(bytes);
      assert(await peer.saw(expected), peer.words.join(", "));
      await peer.closed;
    }));
}

/** What a client sends, and how the stream ends for it while the connection stays. */
const STREAM_VIOLATIONS: Readonly<Record<string, readonly [expected: string, bytes: readonly number[]]>> = {
  "upper case": ["RST 1 PROTOCOL_ERROR", headers(1, END_HEADERS, [["X-A", "1"]])],
  "a field of HTTP/1": ["RST 1 PROTOCOL_ERROR", headers(1, END_HEADERS, [["connection", "close"]])],
  "a line break in a value": ["RST 1 PROTOCOL_ERROR", headers(1, END_HEADERS, [["x", "a\r\nb: c"]])],
  "te: gzip": ["RST 1 PROTOCOL_ERROR", headers(1, END_HEADERS, [["te", "gzip"]])],
  "a pseudo-header behind others": ["RST 1 PROTOCOL_ERROR", headers(1, END_HEADERS, [["x", "1"], [":path", "/y"]])],
  "a pseudo-header twice": ["RST 1 PROTOCOL_ERROR", headers(1, END_HEADERS, [[":path", "/y"]])],
  "an unknown pseudo-header": ["RST 1 PROTOCOL_ERROR", headers(1, END_HEADERS, [[":x", "/y"]])],
  "no path": ["RST 1 PROTOCOL_ERROR", frame(FRAME.HEADERS, END_HEADERS, 1, block([[":method", "POST"]]))],
  "trailers that do not end the stream": ["RST 1 PROTOCOL_ERROR", [...OPEN, ...trailers(1, END_HEADERS)]],
  "a body longer than declared": [
    "RST 1 PROTOCOL_ERROR",
    [...headers(1, END_HEADERS, [["content-length", "1"]]), ...frame(FRAME.DATA, 0, 1, [1, 2])],
  ],
  "a body shorter than declared": [
    "RST 1 PROTOCOL_ERROR",
    [...headers(1, END_HEADERS, [["content-length", "3"]]), ...frame(FRAME.DATA, END_STREAM, 1, [1, 2])],
  ],
  "WINDOW_UPDATE of the stream by nothing": [
    "RST 1 PROTOCOL_ERROR",
    [...OPEN, ...frame(FRAME.WINDOW_UPDATE, 0, 1, uint32(0))],
  ],
  "WINDOW_UPDATE of the stream beyond 2^31": [
    "RST 1 FLOW_CONTROL_ERROR",
    [...OPEN, ...frame(FRAME.WINDOW_UPDATE, 0, 1, uint32(MAX_31_BITS))],
  ],
  "DATA behind the end": ["RST 1 STREAM_CLOSED", [...headers(1), ...frame(FRAME.DATA, 0, 1, [1])]],
  "more data than the window holds": [
    "RST 1 FLOW_CONTROL_ERROR",
    [...OPEN, ...new Array(17).fill(frame(FRAME.DATA, 0, 1, new Array(16_384).fill(0))).flat()],
  ],
  "one stream too many": ["RST 41 REFUSED_STREAM", Array.from({ length: 21 }, (_, i) => headers(2 * i + 1)).flat()],
};

function trailers(streamId: number, flags: number): number[] {
  return frame(FRAME.HEADERS, flags, streamId, block([["x", "y"]]));
}

for (const [name, [expected, bytes]] of Object.entries(STREAM_VIOLATIONS)) {
  Deno.test(`ends the stream: ${name}`, () =>
    serve(async (peer) => {
      await peer.send([...HELLO, ...bytes]);
      assert(await peer.saw(expected), peer.words.join(", "));
      await peer.send(frame(FRAME.PING, 0, 0, new Array(8).fill(1)));
      assert(await peer.saw("PING ACK"), "the connection goes on");
    }, { maxStreams: 20 }));
}

Deno.test("what is allowed, if rarely seen", () =>
  serve(async (peer, _server, sides) => {
    const fields = block(requestFields("/x"));
    await peer.send([
      ...HELLO,
      ...frame(FRAME.PRIORITY, 0, 9, [0, 0, 0, 0, 16]),
      ...frame(FRAME.HEADERS, PADDED | PRIORITY, 1, [3, 0, 0, 0, 0, 16, ...fields.slice(0, 5), 0, 0, 0]),
      ...frame(FRAME.CONTINUATION, 0, 1),
      ...frame(FRAME.CONTINUATION, END_HEADERS, 1, fields.slice(5)),
      ...frame(FRAME.DATA, PADDED, 1, [4, 65, 66, 0, 0, 0, 0]),
      ...frame(77, 255, 1, [1, 2, 3]),
      ...trailers(1, END_HEADERS | END_STREAM),
      ...frame(FRAME.PING, 0, 0, new Array(8).fill(1)),
    ]);
    assert(await peer.saw("PING ACK"));
    assertEquals(sides[0]?.text(), "AB");
    assertEquals(sides[0]?.trailers, [["x", "y"]]);
    sides[0]?.stream.sendHead([[":status", "200"]], true);
    assert(await peer.saw("HEADERS 1"));
  }));

Deno.test("a header list over the limit is answered and never reaches the user", () =>
  serve(async (peer, _server, sides) => {
    const value = "v".repeat(2_000);
    await peer.send([...HELLO, ...headers(1, END_HEADERS, Array.from({ length: 6 }, (_, i) => [`x${i}`, value]))]);
    assert(await peer.saw("HEADERS 1"));
    assert(await peer.saw("RST 1 NO_ERROR"), "and the body is not wanted");
    assertEquals(sides.length, 0);
  }, { maxHeaderListBytes: 10_000 }));

Deno.test("who does not speak in time is closed", () =>
  serve(async (peer) => {
    assert(await peer.saw("GOAWAY SETTINGS_TIMEOUT"));
    await peer.closed;
  }, { handshakeTimeoutMs: 20 }));

Deno.test("who does not answer a ping is closed", () =>
  serve(async (peer, _server, sides) => {
    await peer.send([...HELLO, ...OPEN]);
    assert(await peer.saw("PING"));
    await peer.closed;
    assertEquals(sides[0]?.failure?.by, "connection");
  }, { keepaliveMs: 20, keepaliveTimeoutMs: 20 }));

Deno.test("after GOAWAY new streams are refused and old ones end", () =>
  serve(async (peer, server, sides) => {
    await peer.send([...HELLO, ...OPEN]);
    await peer.saw("SETTINGS ACK");
    const drained = server.drain();
    assert(await peer.saw("PING"));
    await peer.send(frame(FRAME.PING, FLAG.ACK, 0, new Array(8).fill(0)));
    await peer.send(frame(FRAME.PING, 0, 0, new Array(8).fill(1)));
    assert(await peer.saw("PING ACK"));
    assertEquals(peer.words.filter((word) => word === "GOAWAY NO_ERROR").length, 2);
    await peer.send(headers(3));
    assert(await peer.saw("RST 3 REFUSED_STREAM"));
    sides[0]!.stream.sendHead([[":status", "200"]], true);
    await drained;
    assert(await peer.saw("HEADERS 1"));
  }));

Deno.test("a client that never reads is bounded in memory", () =>
  serve(async (_peer, server, sides) => {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    await conn.write(Uint8Array.from([
      ...HELLO,
      ...frame(FRAME.SETTINGS, 0, 0, setting(SETTING.INITIAL_WINDOW_SIZE, MAX_31_BITS)),
      ...frame(FRAME.WINDOW_UPDATE, 0, 0, uint32(MAX_31_BITS - 65_535)),
      ...OPEN,
    ]));
    while (sides.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    const side = sides[0]!;
    side.stream.sendHead([[":status", "200"]], false);
    const chunk = new Uint8Array(1024 * 1024);
    let given = 0;
    // The windows have room for 2 GB; the socket has not.
    for (; given < 64 && side.written === given * chunk.length; given++) {
      side.stream.sendData(chunk, false);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assert(given < 64, "the writer is told to wait");
    conn.close();
    assertEquals((await side.over.promise)?.by, "connection");
  }));

Deno.test("a server that resets, floods or breaks the protocol ends the client's streams", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const status = block([[":status", "200"]]);
  const cases: Readonly<Record<string, readonly [bytes: readonly number[], expected: string]>> = {
    "an answer without a status": [frame(FRAME.HEADERS, END_HEADERS, 1, block([["x", "y"]])), "self PROTOCOL_ERROR"],
    "DATA before the head": [frame(FRAME.DATA, 0, 1, [1]), "self PROTOCOL_ERROR"],
    "trailers without an end": [
      [...frame(FRAME.HEADERS, END_HEADERS, 1, status), ...trailers(1, END_HEADERS)],
      "self PROTOCOL_ERROR",
    ],
    "a stream of its own": [frame(FRAME.HEADERS, END_HEADERS, 2, status), "connection INTERNAL_ERROR"],
    "GOAWAY before the stream": [frame(FRAME.GOAWAY, 0, 0, [...uint32(0), ...uint32(0)]), "peer REFUSED_STREAM"],
    "a reset": [frame(FRAME.RST_STREAM, 0, 1, uint32(11)), "peer ENHANCE_YOUR_CALM"],
    "an early hint, then the answer": [
      [
        ...frame(FRAME.HEADERS, END_HEADERS, 1, block([[":status", "103"]])),
        ...frame(FRAME.HEADERS, END_HEADERS | END_STREAM, 1, status),
      ],
      "complete",
    ],
  };
  for (const [name, [bytes, expected]] of Object.entries(cases)) {
    const accepted = listener.accept();
    const connecting = createDenoWire(systemClock).connect({ hostname: "127.0.0.1", port });
    const peer = new RawPeer(await accepted as Deno.TcpConn);
    await peer.send(frame(FRAME.SETTINGS, 0, 0));
    const connected = await connecting;
    assert(connected.kind === "connected");
    const call = open(connected.client, "/x", false);
    await peer.send(bytes);
    const failure = await call.over.promise;
    assertEquals(failure === undefined ? "complete" : `${failure.by} ${codeName(failure.code)}`, expected, name);
    connected.client.close();
    await connected.client.closed;
    await peer.close();
  }
  listener.close();
});

function codeName(code: number): string {
  return ["NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "", "", "", "", "REFUSED_STREAM"][code] ??
    (code === 11 ? "ENHANCE_YOUR_CALM" : String(code));
}
