import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Clock, Connect } from "../../../mod.ts";
import { Canceller } from "../../../src/domain/cancellation.ts";
import { systemClock } from "../../../src/domain/clock.ts";
import type { PostRequest } from "../../../src/domain/post.ts";
import { PostClient } from "../../../src/transports/http1/post_client.ts";
import { denoConnect } from "../../../src/transports/http1/deno_connect.ts";
import { nodeConnect } from "../../../src/transports/http1/node_connect.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { type Act, type RawPeer, startRawNode } from "../../support/raw_node.ts";

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const FALLBACK = () => Promise.reject(new Error("not to be used"));
const BODY = new TextEncoder().encode("body");

/** Answers one request after the other with these texts, and then waits for the end. */
const answers = (...texts: readonly string[]): Act => async (peer) => {
  for (const text of texts) {
    if (await peer.request() === undefined) return;
    await peer.write(text);
  }
  await peer.ended();
};

/** A client of a node that acts so. */
function setUp({ connect = denoConnect, clock = systemClock }: { connect?: Connect; clock?: Clock }, ...acts: Act[]) {
  const node = startRawNode(...acts);
  const own = new PostClient({ connect, clock, fallback: FALLBACK });
  const post = async (different: Partial<PostRequest> = {}) => {
    const url = `${node.url}v1/logs?a=b`;
    const headers = [["content-type", "x/y"]] as const;
    const response = await own.post({ url, headers, body: BODY, signal: new Canceller(), ...different });
    return { ...response, text: new TextDecoder().decode(response.body) };
  };
  return {
    node,
    own,
    post,
    async [Symbol.asyncDispose]() {
      own.close();
      await node[Symbol.asyncDispose]();
    },
  };
}

const CONNECTS: Readonly<Record<string, Connect>> = { "Deno's sockets": denoConnect, "node:net": nodeConnect };

for (const [name, connect] of Object.entries(CONNECTS)) {
  Deno.test(`a request is what it was asked to be, and the next one takes the same connection, over ${name}`, async () => {
    const requests: string[] = [];
    const act = async (peer: RawPeer) => {
      for (let request = await peer.request(); request !== undefined; request = await peer.request()) {
        requests.push(request);
        await peer.write("HTTP/1.1 503 No\r\nretry-after: 7\r\ncontent-length: 2\r\n\r\nno");
      }
    };
    await using stage = setUp({ connect }, act);
    for (let turn = 0; turn < 3; turn++) {
      const response = await stage.post();
      assertEquals([response.status, response.retryAfter], [503, "7"]);
      assertEquals(response.text, "no");
    }
    assertEquals(stage.node.accepted, 1);
    const [head, body] = requests[2]!.split("\r\n\r\n");
    assertEquals(head!.split("\r\n"), [
      "POST /v1/logs?a=b HTTP/1.1",
      `host: 127.0.0.1:${stage.node.port}`,
      "content-type: x/y",
      "accept-encoding: identity",
      "content-length: 4",
    ]);
    assertEquals(body, "body");
  });

  Deno.test(`a body of 8 MB arrives whole, and its connection is kept, over ${name}`, async () => {
    const lengths: number[] = [];
    const act = async (peer: RawPeer) => {
      for (let request = await peer.request(); request !== undefined; request = await peer.request()) {
        lengths.push(request.length - request.indexOf("\r\n\r\n") - 4);
        await peer.write(OK);
      }
    };
    await using stage = setUp({ connect }, act);
    for (let turn = 0; turn < 2; turn++) assertEquals((await stage.post({ body: new Uint8Array(8e6) })).status, 200);
    assertEquals([lengths, stage.node.accepted], [[8e6, 8e6], 1]);
  });
}

Deno.test("requests at the same time have connections of their own, of which four are kept", async () => {
  const waiting: (() => Promise<void>)[] = [];
  const { promise: allThere, resolve } = Promise.withResolvers<void>();
  const act = async (peer: RawPeer) => {
    while (await peer.request() !== undefined) {
      waiting.push(() => peer.write(OK));
      if (waiting.length === 6) resolve();
      if (waiting.length > 6) await peer.write(OK);
    }
  };
  await using stage = setUp({}, act);
  const responses = Array.from({ length: 6 }, () => stage.post());
  await allThere;
  for (const write of waiting.slice(0, 6)) await write();
  await Promise.all(responses);
  for (let turn = 0; turn < 10; turn++) await stage.post();
  assertEquals([stage.node.accepted, stage.node.open], [6, 4]);
});

Deno.test("a kept connection that the server ended before it read is replaced, once", async () => {
  const ends: Act = async (peer) => {
    await peer.request();
    await peer.write(OK);
    await peer.request();
  };
  await using stage = setUp({}, ends, ends);
  assertEquals((await stage.post()).status, 200);
  assertEquals((await stage.post()).status, 200);
  assertEquals(stage.node.accepted, 2);
});

Deno.test("a new connection that ends without an answer is a failure, and not asked again", async () => {
  await using stage = setUp({}, async (peer) => void await peer.request());
  assert(await assertRejects(() => stage.post()) instanceof TypeError);
  assertEquals(stage.node.accepted, 1);
});

Deno.test("nobody listens: a failure", async () => {
  const { node, own, post } = setUp({}, answers());
  await node[Symbol.asyncDispose]();
  assert(String(await assertRejects(() => post())).includes("connection refused"));
  own.close();
});

/** Answers after whose status nothing more counts; none of their connections is used again. */
const BROKEN: Readonly<Record<string, string>> = {
  "breaks off": "HTTP/1.1 202 OK\r\ncontent-length: 100\r\n\r\nok",
  "is too long": `HTTP/1.1 202 OK\r\ncontent-length: 9999999\r\n\r\n`,
  "has a chunk that is none": "HTTP/1.1 202 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
  "is followed by more": "HTTP/1.1 202 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 500 No\r\n\r\n",
};

for (const [name, text] of Object.entries(BROKEN)) {
  Deno.test(`of an answer that ${name} the status is left`, async () => {
    const act: Act = async (peer) => {
      await peer.request();
      await peer.write(text);
    };
    await using stage = setUp({}, act, answers(OK));
    const response = await stage.post();
    assertEquals([response.status, response.text], [202, ""]);
    assertEquals((await stage.post()).status, 200);
    assertEquals(stage.node.accepted, 2);
  });
}

Deno.test("what is not HTTP is a failure", async () => {
  await using stage = setUp({}, answers("SSH-2.0-x\r\n\r\n"));
  assert(await assertRejects(() => stage.post()) instanceof TypeError);
});

Deno.test("an answer that has no body, one that ends with its connection, and one in gzip", async () => {
  const bytes = await new Response(new Blob(["ok"]).stream().pipeThrough(new CompressionStream("gzip"))).bytes();
  const zipped = String.fromCharCode(...bytes);
  const texts = [
    "HTTP/1.1 204 Nothing\r\n\r\n",
    "HTTP/1.1 304 Same\r\ncontent-length: 9\r\n\r\n",
    `HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${zipped.length}\r\n\r\n${zipped}`,
  ];
  const last: Act = async (peer) => {
    await peer.request();
    await peer.write("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nto the end");
  };
  await using stage = setUp({}, answers(...texts), last);
  const read = async () => {
    const response = await stage.post();
    return [response.status, response.text];
  };
  assertEquals([await read(), await read(), await read()], [[204, ""], [304, ""], [200, "ok"]]);
  assertEquals(stage.node.accepted, 1);
  stage.own.close();
  const after = await stage.post();
  assertEquals([after.text, stage.node.accepted], ["to the end", 2]);
});

Deno.test("no redirect is followed", async () => {
  await using stage = setUp({}, answers("HTTP/1.1 301 Moved\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n"));
  assertEquals((await stage.post()).status, 301);
});

Deno.test("a server that answers before it has read the request gets no more of it, and its connection is not kept", async () => {
  const early: Act = async (peer) => {
    await peer.write("HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n");
    await new Promise((resolve) => setTimeout(resolve, 50));
    await peer.ended().catch(() => {});
  };
  await using stage = setUp({}, early, answers(OK));
  // More than the socket's memory takes.
  assertEquals((await stage.post({ body: new Uint8Array(64e6) })).status, 413);
  assertEquals((await stage.post()).status, 200);
  assertEquals(stage.node.accepted, 2);
});

Deno.test("an abort ends the request and its connection, at whatever point it is", async () => {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const hangs: Act = async (peer) => {
    await peer.request();
    resolve();
    await peer.ended();
  };
  await using stage = setUp({}, hangs);
  const signal = new Canceller();
  const request = stage.post({ signal });
  await asked;
  signal.abort();
  assert(await assertRejects(() => request) instanceof TypeError);
  assert(await assertRejects(() => stage.post({ signal })) instanceof TypeError);
  assertEquals(stage.node.accepted, 1);
});

Deno.test("an abort while it connects", async () => {
  const signal = new Canceller();
  const connect: Connect = async (origin, given) => {
    signal.abort();
    return await denoConnect(origin, new AbortController().signal).finally(() => assert(given.aborted));
  };
  await using stage = setUp({ connect }, answers(OK));
  assert(await assertRejects(() => stage.post({ signal })) instanceof TypeError);
});

Deno.test("an abort after the status leaves the status", async () => {
  const silent: Act = async (peer) => {
    await peer.request();
    await peer.write("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\no");
    await peer.ended();
  };
  await using stage = setUp({}, silent);
  const response = await stage.post({ signal: AbortSignal.timeout(100) });
  assertEquals([response.status, response.text], [200, ""]);
});

Deno.test("a connection is kept for four seconds, or a second less than the server says, and not for ever", async () => {
  const clock = new FakeClock();
  const keeps = (seconds: number) => `HTTP/1.1 200 OK\r\nkeep-alive: timeout=${seconds}\r\ncontent-length: 0\r\n\r\n`;
  const acts = [
    answers(OK, OK, OK),
    answers(keeps(3), keeps(60), keeps(3)),
    answers(keeps(1)),
    answers(...Array(200).fill(OK)),
  ];
  await using stage = setUp({ clock }, ...acts);
  const used = async (afterMs: number) => {
    await clock.advance(afterMs);
    await stage.post();
    return stage.node.accepted;
  };
  assertEquals([await used(0), await used(3_000), await used(3_000)], [1, 1, 1]);
  assertEquals([await used(5_000), await used(1_000), await used(3_000)], [2, 2, 2]);
  assertEquals([await used(3_000), await used(0)], [3, 4]);
  let used300s = 0;
  for (let ms = 0; ms < 309_000; ms += 3_000) used300s = await used(3_000);
  assertEquals(used300s, 5, "one that is old is used no more");
  await clock.advance(6_000);
  assertEquals(clock.pending, 0, "no timer is left without a connection");
});

Deno.test("what it does not do is left to another fetch: a user's name in the URL, and servers without HTTP/1.1", async () => {
  const asked: string[] = [];
  const fallback = ({ url }: PostRequest) => {
    asked.push(url);
    return Promise.resolve({ status: 299, retryAfter: null, body: BODY });
  };
  let dials = 0;
  const connect: Connect = () => {
    dials++;
    return Promise.resolve({ kind: "failure", reason: "it does not speak HTTP/1.1", isOtherProtocol: true });
  };
  const own = new PostClient({ connect, clock: systemClock, fallback });
  const urls = ["http://user:word@c.example/", "https://h2.example/", "https://h2.example/"];
  for (const url of urls) {
    assertEquals((await own.post({ url, headers: [], body: BODY, signal: new Canceller() })).status, 299);
  }
  assertEquals([asked, dials], [urls, 1]);
  own.close();
});
