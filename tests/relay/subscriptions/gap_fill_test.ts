import { assert, assertEquals } from "@std/assert";
import type { Log, LogFields } from "../../../src/domain/log.ts";
import { accept, type SocketMessage, type SocketNode, startSocketNode } from "../../support/socket_node.ts";
import { stageSockets } from "../../support/subscription_stage.ts";

interface Block {
  readonly number: string;
  readonly hash: string;
  readonly parentHash: string;
  readonly logsBloom: string;
}

/** Blocks from one height to another, of a branch that parts from the main one at `parting`. */
function branch(from: number, to: number, name = "a", parting = Infinity): Block[] {
  const hash = (height: number) => `0x${height >= parting ? name : "a"}${height}`;
  return Array.from({ length: to - from + 1 }, (_, i) => ({
    number: `0x${(from + i).toString(16)}`,
    hash: hash(from + i),
    parentHash: hash(from + i - 1),
    logsBloom: "0x00",
  }));
}

interface ChainNode extends SocketNode {
  /** Heights that were asked for, in order. */
  readonly asked: readonly number[];
}

/** A node that has blocks: those with more than a head. `answer` may say something else. */
function startChainNode(
  blocks: () => readonly Block[],
  answer: (height: number) => unknown = () => undefined,
): ChainNode {
  const asked: number[] = [];
  const node = startSocketNode((message: SocketMessage, connection) => {
    if (message.method !== "eth_getBlockByNumber") return accept(message, connection);
    const height = Number(message.params![0]);
    asked.push(height);
    const block = blocks().find(({ number }) => Number(number) === height);
    const whole = block && { size: "0x1", ...block, transactions: ["0x1"] };
    const other = answer(height);
    if (other === "silence") return undefined;
    return { jsonrpc: "2.0", id: message.id, ...(other ?? { result: whole ?? null }) as Record<string, unknown> };
  });
  return Object.assign(node, { asked });
}

/** A log that is kept. */
function keepLog(): { log: Log; lines: [string, LogFields | undefined][] } {
  const lines: [string, LogFields | undefined][] = [];
  const add = (message: string, fields?: LogFields) => void lines.push([message, fields]);
  return { log: { debug: add, info: add, warn: add, error: add }, lines };
}

const GIVEN_UP = "blocks that came without a connection are not sent to subscribers";

/** A subscriber that has seen two heads of a first node, whose connection has broken since; a second one has taken over. */
async function scene(second: ChainNode, sockets: Record<string, unknown> = {}) {
  const { log, lines } = keepLog();
  const first = startSocketNode();
  const stage = stageSockets([first, second], {
    sockets: { gapFill: true, subscribeTimeoutMs: 500, ...sockets },
    log,
    // The first of those of one rank is taken, and waits are short.
    random: () => 0,
  });
  const client = stage.join();
  await client.call("eth_subscribe", ["newHeads"]);
  for (const head of branch(10, 11)) first.notify(head);
  await client.notified(2);
  await first[Symbol.asyncDispose]();
  await second.called("eth_subscribe", 1);
  const numbers = () => client.delivered.map((head) => (head as Block).hash.slice(2));
  const dispose = () => stage[Symbol.asyncDispose]();
  return { stage, client, numbers, lines, [Symbol.asyncDispose]: dispose };
}

Deno.test("heads that came without a connection are fetched, in order, as heads and not as blocks, and billed each", async () => {
  await using node = startChainNode(() => branch(0, 30));
  await using at = await scene(node);
  const late = at.stage.join("late");
  await late.call("eth_subscribe", ["newHeads"]);
  for (const head of branch(26, 28)) node.notify(head);
  await at.client.notified(19);
  assertEquals(at.numbers(), Array.from({ length: 19 }, (_, i) => `a${10 + i}`));
  assertEquals(at.client.delivered, branch(10, 28));
  assertEquals(node.asked.toSorted((a, b) => a - b), Array.from({ length: 14 }, (_, i) => 12 + i));
  // Who has joined since did not miss them.
  await late.notified(3);
  assertEquals(late.delivered, branch(26, 28));
  const bill = (project: string) => at.stage.usage.events.filter((event) => event.project === project);
  const deliveries = (project: string) =>
    bill(project).filter(({ apiMethod }) => apiMethod === "subscription_delivery");
  assertEquals([deliveries("acme").length, deliveries("late").length], [19, 3]);
  assertEquals([bill("acme").length, bill("late").length], [20, 4], "what was fetched is on nobody's bill");
  assertEquals(new Set(deliveries("acme").slice(2).map(({ provider }) => provider)), new Set(["node-2"]));
  const { gapHeads, gapsGivenUp, reconnects } = at.stage.sockets.deps.hub.stats();
  assertEquals([gapHeads, gapsGivenUp, reconnects], [14, 0, 1]);
});

Deno.test("a node that is behind repeats what was delivered in its own words: it is left out, and the gap starts behind it", async () => {
  await using node = startChainNode(() => branch(0, 30));
  await using at = await scene(node);
  for (const { number, hash, ...rest } of branch(10, 11)) node.notify({ ...rest, hash, number });
  for (const head of branch(14, 15)) node.notify(head);
  await at.client.notified(6);
  assertEquals(at.numbers(), ["a10", "a11", "a12", "a13", "a14", "a15"]);
});

Deno.test("after a reorganisation the new branch is sent from where it parts", async () => {
  await using node = startChainNode(() => branch(0, 30, "b", 11));
  await using at = await scene(node);
  for (const head of branch(13, 13, "b", 11)) node.notify(head);
  await at.client.notified(5);
  assertEquals(at.numbers(), ["a10", "a11", "b11", "b12", "b13"]);
});

Deno.test("a branch that parts right behind the new head, or deeper than is remembered", async () => {
  await using node = startChainNode(() => branch(0, 30, "b", 11));
  await using at = await scene(node);
  for (const head of branch(12, 12, "b", 11)) node.notify(head);
  await at.client.notified(4);
  assertEquals(at.numbers(), ["a10", "a11", "b11", "b12"]);
  await using other = startChainNode(() => branch(0, 30, "b", 3));
  await using deep = await scene(other);
  for (const head of branch(12, 12, "b", 3)) other.notify(head);
  await deep.client.notified(5);
  assertEquals(deep.numbers(), ["a10", "a11", "b10", "b11", "b12"]);
});

Deno.test("a gap that can't be filled is left, counted and told, and the new head comes all the same", async (t) => {
  const cases: readonly [string, number, (height: number) => unknown, Record<string, unknown>, string][] = [
    ["too large", 20, () => undefined, { maxGapBlocks: 3 }, "8 blocks are more than 3"],
    ["a block is missing", 15, (height) => height === 13 ? { result: null } : undefined, {}, "block 13 can't be had"],
    ["the node refuses", 15, () => ({ error: { code: -32000, message: "no" } }), {}, "block 14 can't be had"],
    ["the node is silent", 13, () => "silence", {}, "block 12 can't be had"],
    ["no block", 13, () => ({ result: { number: 1 } }), {}, "block 12 can't be read"],
    ["another height", 13, () => ({ result: branch(9, 9)[0] }), {}, "block 12 can't be read"],
    ["another branch", 13, () => ({ result: branch(12, 12, "c", 12)[0] }), {}, "block 12 has been replaced meanwhile"],
  ];
  for (const [name, height, answer, sockets, reason] of cases) {
    await t.step(name, async () => {
      await using node = startChainNode(() => branch(0, 30), answer);
      await using at = await scene(node, sockets);
      for (const head of branch(height, height + 1)) node.notify(head);
      await at.client.notified(4);
      assertEquals(at.numbers(), ["a10", "a11", `a${height}`, `a${height + 1}`]);
      const { gapHeads, gapsGivenUp } = at.stage.sockets.deps.hub.stats();
      assertEquals([gapHeads, gapsGivenUp], [0, 1]);
      const told = at.lines.filter(([message]) => message === GIVEN_UP).map(([, fields]) => fields);
      assertEquals(told, [{ provider: "node-2", blocks: height - 12, before: height, reason }]);
    });
  }
});

Deno.test("a block that one node does not have is asked of another", async () => {
  await using node = startChainNode(() => branch(0, 30), () => ({ error: { code: -32000, message: "no" } }));
  await using archive = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { id, params: [height] } = await request.json();
    return Response.json({ jsonrpc: "2.0", id, result: branch(Number(height), Number(height))[0] });
  });
  const second = Object.assign(Object.create(node), { httpUrl: `http://127.0.0.1:${archive.addr.port}` }) as ChainNode;
  await using at = await scene(second);
  node.notify(branch(14, 14)[0]);
  await at.client.notified(5);
  assertEquals(at.numbers(), ["a10", "a11", "a12", "a13", "a14"]);
});

Deno.test("a connection that breaks while a gap is filled leaves one gap, which the next one fills", async () => {
  let isStuck = true;
  await using node = startChainNode(() => branch(0, 30), () => isStuck ? "silence" : undefined);
  await using at = await scene(node, { subscribeTimeoutMs: 5_000 });
  node.notify(branch(13, 13)[0]);
  await node.called("eth_getBlockByNumber", 1);
  node.notify(branch(14, 14)[0]);
  isStuck = false;
  node.breakAll();
  await node.called("eth_subscribe", 2);
  node.notify(branch(15, 15)[0]);
  await at.client.notified(6);
  assertEquals(at.numbers(), ["a10", "a11", "a12", "a13", "a14", "a15"]);
  assertEquals(at.stage.sockets.deps.hub.stats().gapsGivenUp, 0);
});

Deno.test("without the option, and for other subscriptions, nothing is fetched", async () => {
  await using node = startChainNode(() => branch(0, 30));
  await using at = await scene(node, { gapFill: false });
  for (const head of [...branch(11, 11), ...branch(14, 14)]) node.notify(head);
  await at.client.notified(3);
  assertEquals(at.numbers(), ["a10", "a11", "a14"]);
  assertEquals(node.asked, []);

  await using first = startSocketNode();
  await using second = startChainNode(() => branch(0, 30));
  await using stage = stageSockets([first, second], { sockets: { gapFill: true }, random: () => 0 });
  const client = stage.join();
  await client.call("eth_subscribe", ["logs"]);
  first.notify(branch(10, 10)[0]);
  await client.notified(1);
  first.breakAll();
  await second.called("eth_subscribe", 1);
  second.notify(branch(14, 14)[0]);
  await client.notified(2);
  assert(second.asked.length === 0);
});
