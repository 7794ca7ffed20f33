/**
 * The main job, on a real node: calls go through a relay, and their bill arrives at a collector.
 *
 *     deno task demo                       a node of its own; serves until Ctrl-C
 *     deno task demo --once                ends after the traffic
 *     deno task demo --upstream URL        your node instead
 */
import { parseArgs } from "@std/cli/parse-args";
import {
  createOtelUsageSink,
  createRelay,
  type LedgerCounts,
  NoopUsageSink,
  type UsageSink,
  type UsageStats,
} from "../../mod.ts";
import { listen } from "../../src/hosts/deno.ts";
import { startAnvil } from "./anvil.ts";
import { ROW_FIELDS, type UsageRow } from "../../src/usage/usage_row.ts";
import { startStore } from "./store.ts";
import { keepSending, sendTraffic } from "./traffic.ts";

const say = (text: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));

async function main(): Promise<number> {
  const unknown: string[] = [];
  const args = parseArgs(Deno.args, {
    boolean: ["once"],
    string: ["upstream"],
    unknown: (arg) => void unknown.push(arg),
  });
  if (unknown.length > 0) {
    say(`The demo does not know ${unknown.join(" ")}; it takes --once and --upstream URL.`);
    return 2;
  }
  await using cleanup = new AsyncDisposableStack();
  let upstream: string = args["upstream"] ?? "";
  if (upstream === "") {
    say("Getting anvil, a real EVM node, from npm (once) and starting it ...");
    try {
      upstream = cleanup.use(await startAnvil()).url;
    } catch (error) {
      say(`No node: ${error instanceof Error ? error.message : String(error)}`);
      say("Name one of your own:  deno task demo --upstream URL");
      return 1;
    }
  }

  let usage: UsageSink = new NoopUsageSink();
  const store = cleanup.use(await startStore(() => usage.stats(), (row) => isShowingRows && say(rowOf(row))));
  usage = await createOtelUsageSink({
    url: store.url,
    flushIntervalMs: 200,
    extended: true,
    resource: { "service.name": "relaymeter-demo", "service.instance.id": "demo" },
  });
  const relay = createRelay({
    chainId: "ETH1",
    providers: [{ name: args["upstream"] ? "your-node" : "anvil", nodeUrls: [{ url: upstream, addons: ["debug"] }] }],
    usage,
  });
  const listener = listen({ hostname: "127.0.0.1", port: 0 }, relay.fetch);
  const relayUrl = `http://127.0.0.1:${listener.port}`;

  say(`The relay listens on ${relayUrl}, the collector on ${new URL(store.url).host}.`);
  say(`See it in a browser:  ${store.pageUrl}\n`);
  say(HEADER);
  const calls = await sendTraffic(relayUrl);
  await untilExported(usage, calls);
  say(`\n${calls} requests were sent. What the relay says of its events:\n${ledgerText(usage.stats())}\n`);

  if (!args["once"]) {
    say(`A few calls a second go on, for the page at ${store.pageUrl}. Try it yourself; Ctrl-C ends:\n`);
    say(`  curl -s ${relayUrl} -H 'content-type: application/json' -H 'project-id: me' \\`);
    say(`    -d '{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}'\n`);
    say(`  deno run -A cli.ts usage report ${store.path}\n`);
    isShowingRows = false;
    const stop = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => stop.abort());
    await keepSending(relayUrl, stop.signal);
    say("");
  }

  await Promise.all([listener.shutdown(), relay.close()]);
  const ledger = await usage.close();
  say(`Final ledger, after everything has been closed:\n${ledgerText(ledger)}`);
  return isBalanced(ledger.relay_usage) && ledger.relay_usage.exported === store.counts().stored ? 0 : 1;
}

let isShowingRows = true;

/** Events leave in batches, and count as exported when the collector has stored them. */
async function untilExported(usage: UsageSink, count: number): Promise<void> {
  for (let tries = 0; tries < 1_000 && usage.stats().relay_usage.exported < count; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const HEADER = row("project", "api_method", "cu", "ms", "success", "provider", "flags");

function rowOf({ values }: UsageRow): string {
  const a = Object.fromEntries(ROW_FIELDS.relay_usage.map(({ name }, index) => [name, values[index]]));
  const flags = ["is_batch", "is_write", "is_debug_trace"].filter((name) => a[name] === true).join(" ");
  return row(a["project"], a["api_method"], a["cu"], a["latency_ms"], a["success"], a["provider"], flags);
}

function row(...[project, method, units, ms, success, provider, flags]: unknown[]): string {
  const text = (value: unknown, width: number) => String(value).padEnd(width);
  const number = (value: unknown) => String(value).padStart(5);
  return `${text(project, 14)} ${text(method, 42)} ${number(units)} ${number(ms)}  ${text(success, 8)} ${
    text(provider, 10)
  } ${flags}`;
}

function ledgerText({ relay_usage: counts }: UsageStats): string {
  const dropped = droppedOf(counts);
  const { accepted, exported, queued, inFlight } = counts;
  const verdict = isBalanced(counts) ? "holds" : "DOES NOT HOLD";
  return `  accepted ${accepted} = exported ${exported} + dropped ${dropped} + held ${
    queued + inFlight
  }   (${verdict})`;
}

function droppedOf({ dropped }: LedgerCounts): number {
  return Object.values(dropped).reduce((sum, count) => sum + count, 0);
}

function isBalanced(counts: LedgerCounts): boolean {
  const { accepted, exported, queued, inFlight, spooled } = counts;
  return accepted === exported + droppedOf(counts) + queued + inFlight + spooled;
}

if (import.meta.main) Deno.exit(await main());
