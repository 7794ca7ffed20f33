/**
 * CPU that the engine adds to a request, user and system of all threads: `deno run -A bench/relay/engine_cpu.ts`. Rounds
 * of each way take turns, so that a busy machine is as busy for all of them; medians are printed, in microseconds.
 */
import { cpuUsage } from "node:process";
import { MemoryCache } from "../../mod.ts";
import { CountingSink, createEngine, decode, instantTransport, requestOf } from "./setup.ts";

const ROUNDS = 15;
const REQUESTS = 20_000;
const BODY = new TextEncoder().encode('{"jsonrpc":"2.0","id":7,"method":"eth_getBalance","params":["0x0","latest"]}');
const NODE = {} as Parameters<typeof instantTransport.send>[0];
const SIGNAL = new AbortController().signal;

const plain = createEngine({ hedgeQuantile: 0 });
const hedging = createEngine();
const cached = createEngine({ hedgeQuantile: 0 }, new CountingSink(), new MemoryCache());

const WAYS: Readonly<Record<string, () => Promise<unknown>>> = {
  bare: async () => {
    const request = requestOf(decode(BODY), "acme");
    const sent = await instantTransport.send(NODE, request.nodeRequest, "", SIGNAL);
    return sent.kind === "reply" && request.call.readReply(sent.reply);
  },
  engine: () => plain.relay.run(requestOf(decode(BODY), "acme")),
  "engine, hedging at a quantile": () => hedging.relay.run(requestOf(decode(BODY), "acme")),
  "engine, from the cache": () => cached.relay.run(requestOf(decode(BODY), "acme")),
};

const costs = new Map(Object.keys(WAYS).map((name) => [name, [] as number[]]));
for (let round = 0; round <= ROUNDS; round++) {
  for (const [name, run] of Object.entries(WAYS)) {
    const before = cpuUsage();
    for (let i = 0; i < REQUESTS; i++) await run();
    const { user, system } = cpuUsage(before);
    // The first round warms up.
    if (round > 0) costs.get(name)!.push((user + system) / REQUESTS);
  }
}
const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
for (const [name, values] of costs) {
  await Deno.stdout.write(new TextEncoder().encode(`${median(values).toFixed(1).padStart(6)} us  ${name}\n`));
}
