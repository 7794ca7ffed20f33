import { assert, assertEquals } from "@std/assert";
import { silentLog } from "../../../src/domain/log.ts";
import { NO_STEERING } from "../../../src/domain/steering.ts";
import { JSONRPC_HEADS } from "../../../src/protocols/jsonrpc/heads.ts";
import { HeadStream, type Message } from "../../../src/relay/subscriptions/head_stream.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { seededRandom } from "../../support/seeded_random.ts";

interface Block {
  readonly number: string;
  readonly hash: string;
  readonly parentHash: string;
}

/** A chain that grows, and now and then has its last blocks replaced. */
class Chain {
  readonly blocks: Block[] = [];
  #made = 0;

  /** Adds blocks behind one height; comes back with what a node announces. */
  grow(from: number, count: number): Block[] {
    this.blocks.length = from;
    for (let i = 0; i < count; i++) {
      const height = this.blocks.length;
      const parentHash = this.blocks[height - 1]?.hash ?? "0x";
      this.blocks.push({ number: `0x${height.toString(16)}`, hash: `0x${++this.#made}`, parentHash });
    }
    return this.blocks.slice(from);
  }
}

const from = { provider: { name: "node" } } as Message["from"];

function messageOf(result: Block): Message {
  return {
    before: '{"method":"eth_subscription","params":{"subscription":',
    after: `,"result":${JSON.stringify(result)}}}`,
    from,
  };
}

/** Plays a random life of a subscription. `isSlow`: the chain moves on while blocks are fetched. */
async function play(seed: number, isSlow: boolean) {
  const random = seededRandom(seed);
  const pick = (below: number) => Math.floor(random() * below);
  const chain = new Chain();
  const clock = new FakeClock();
  const counts = { filled: 0, givenUp: 0 };
  const delivered: Block[] = [];
  const deliver = ({ before, after }: Message) => void delivered.push(JSON.parse(`${before}0${after}`).params.result);
  const fetchBlock = async (_first: unknown, height: number) => {
    if (isSlow) await moment.promise;
    return JSON.stringify({ ...chain.blocks[height], transactions: [] });
  };
  const fill = { maxBlocks: 64, timeoutMs: 1_000, counts, clock, log: silentLog, fetchBlock };
  const stream = new HeadStream(JSONRPC_HEADS, fill, NO_STEERING, { deliver, deliverMissed: deliver });
  let isConnected = true;
  let moment = Promise.withResolvers<void>();
  const pass = async () => {
    moment.resolve();
    moment = Promise.withResolvers<void>();
    await settle();
  };
  const announce = async (blocks: readonly Block[]) => {
    for (const block of blocks) {
      if (isConnected) stream.take(messageOf(block));
      if (!isSlow || pick(3) === 0) await pass();
    }
  };
  await announce(chain.grow(100, 1));
  for (let step = 0; step < (isSlow ? 25 : 200); step++) {
    const height = chain.blocks.length;
    const deed = pick(10);
    if (deed < 5) await announce(chain.grow(height, 1 + pick(3)));
    else if (deed === 5) await announce(chain.grow(Math.max(101, height - 1 - pick(3)), 4));
    else if (isConnected && deed < 8) {
      stream.lost();
      isConnected = false;
    } else if (!isConnected) {
      isConnected = true;
      // A node that is behind says again what is known.
      if (deed === 9) await announce(chain.blocks.slice(Math.max(100, height - pick(4))));
    }
  }
  if (!isConnected) isConnected = true;
  await announce(chain.grow(chain.blocks.length, 1));
  for (let i = 0; i < 100; i++) await pass();
  stream.stop();
  return { delivered, counts, chain, pending: clock.pending };
}

Deno.test("whatever breaks and whatever is replaced, each head follows one that was delivered, and comes once", async () => {
  let filled = 0;
  for (let seed = 1; seed <= 300; seed++) {
    const { delivered, counts, chain, pending } = await play(seed, false);
    const known = new Set<string>();
    for (const { hash, parentHash } of delivered) {
      assert(known.size === 0 || known.has(parentHash), `seed ${seed}: ${hash} has nothing before it`);
      assert(!known.has(hash), `seed ${seed}: ${hash} came twice`);
      known.add(hash);
    }
    assertEquals([counts.givenUp, pending, delivered.at(-1)], [0, 0, chain.blocks.at(-1)], `seed ${seed}`);
    filled += counts.filled;
  }
  assert(filled > 3_000, `${filled} heads were missing`);
});

Deno.test("when the chain moves on while blocks are fetched, what is missing is owned up to, and nothing comes twice", async () => {
  const runs = { whole: 0, givenUp: 0 };
  for (let seed = 1; seed <= 1_000; seed++) {
    const { delivered, counts, chain, pending } = await play(seed, true);
    const known = new Set<string>();
    let holes = 0;
    for (const { hash, parentHash } of delivered) {
      if (known.size > 0 && !known.has(parentHash)) holes++;
      assert(!known.has(hash), `seed ${seed}: ${hash} came twice`);
      known.add(hash);
    }
    assert(holes === 0 || counts.givenUp > 0, `seed ${seed}: ${holes} holes that nobody has owned up to`);
    assertEquals([pending, delivered.at(-1)], [0, chain.blocks.at(-1)], `seed ${seed}`);
    if (counts.givenUp > 0) runs.givenUp++;
    else if (counts.filled > 0) runs.whole++;
  }
  assert(runs.whole > 100 && runs.givenUp > 10, JSON.stringify(runs));
});
