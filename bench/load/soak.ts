/**
 * Whether memory stays flat: calls a relay with usage events and metrics on as fast as it answers, and prints its resident
 * memory after each tenth. `deno run -A bench/load/soak.ts [REQUESTS] [MINUTES]`, a million and at most three by default.
 * Needs nginx and wrk. Ends with 1 when the second half adds more than 10 MiB to the most that the first half took.
 */
import { relay, startCollector, startNode } from "./peers.ts";
import { residentMib } from "./process.ts";
import { runWrk } from "./wrk.ts";

const [requests = 1_000_000, minutes = 3] = Deno.args.map(Number);
const STEPS = 10;
const MOST_GROWTH_MIB = 10;

const say = (text: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));

await using collector = startCollector();
await using node = await startNode();
const metered = ["--usage-otel-enabled", `--usage-otel-endpoint=${collector.url}`];
await using soaked = await relay("relay", node, ["--upstream-transport=http1", ...metered]);

const deadline = Date.now() + minutes * 60_000;
const seen: { readonly requests: number; readonly mib: number }[] = [];
let done = 0;
let next = requests / STEPS;
say("| requests | req/s | resident memory |\n| --- | --- | --- |");
while (done < requests && Date.now() < deadline) {
  const { requests: more, perSecond } = await runWrk(soaked.url, { seconds: 2, connections: 32 });
  done += more;
  const mib = residentMib(soaked.pid);
  seen.push({ requests: done, mib });
  if (done < next) continue;
  next += requests / STEPS;
  say(`| ${done.toLocaleString("en")} | ${Math.round(perSecond).toLocaleString("en")} | ${mib.toFixed(1)} MiB |`);
}
const most = (isCounted: (requests: number) => boolean) =>
  Math.max(...seen.filter(({ requests }) => isCounted(requests)).map(({ mib }) => mib));
const growth = most((count) => count > done / 2) - most((count) => count <= done / 2);
say(`\n${done.toLocaleString("en")} requests; the second half added ${growth.toFixed(1)} MiB to the most of the first`);
if (done < requests) say(`stopped after ${minutes} minutes`);
Deno.exitCode = growth > MOST_GROWTH_MIB ? 1 : 0;
