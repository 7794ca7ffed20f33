/**
 * Makes relays for many projects and methods, with everything on, and prints what the heap holds after a warm-up and at
 * the end: `deno run -A --v8-flags=--expose-gc bench/relay/soak.ts RELAYS PROJECTS`.
 */
import { MemoryCache } from "../../mod.ts";
import { CountingSink, createEngine, decode, requestOf } from "./setup.ts";

const [relays = 1_000_000, projects = 100_000] = Deno.args.map(Number);
const collectGarbage = (globalThis as { gc?: () => void }).gc;
if (collectGarbage === undefined) throw new Error("run it with --v8-flags=--expose-gc");

const CACHE_BYTES = 8 * 1024 * 1024;
const usage = new CountingSink();
const { relay, selector, counts } = createEngine({}, usage, new MemoryCache({ maxBytes: CACHE_BYTES }));
const encoder = new TextEncoder();

async function makeRelays(from: number, to: number): Promise<void> {
  for (let i = from; i < to; i += 8) {
    selector.headNow = 1_000_000 + Math.floor(i / 1_000);
    await Promise.all(Array.from({ length: 8 }, (_, k) => {
      const n = i + k;
      // Every tenth calls a method that nobody has heard of; others repeat themselves, for the cache.
      const method = n % 10 === 0 ? `made_up_${n}` : "eth_getBalance";
      const body = `{"jsonrpc":"2.0","id":${n},"method":"${method}","params":["0x${
        (n % 5_000).toString(16)
      }","latest"]}`;
      return relay.run(requestOf(decode(encoder.encode(body)), `project-${n % projects}`));
    }));
  }
}

async function heapMiB(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collectGarbage!();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return Deno.memoryUsage().heapUsed / 1024 / 1024;
}

const warmUp = Math.floor(relays / 4);
await makeRelays(0, warmUp);
const afterWarmUpMiB = await heapMiB();
await makeRelays(warmUp, relays);
const atEndMiB = await heapMiB();
const result = { relays, projects, events: usage.events, methods: counts.methods.size, afterWarmUpMiB, atEndMiB };
await Deno.stdout.write(encoder.encode(`${JSON.stringify(result)}\n`));
