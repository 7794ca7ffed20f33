import { addressText, isLoopback, parseAddress } from "../config/address.ts";
import { systemClock } from "../domain/clock.ts";
import { listen, type Listener } from "../hosts/deno.ts";
import { createJsonLog } from "../observe/log.ts";
import { UsageReceiver } from "../store/receiver.ts";
import { UsageStore } from "../store/usage_store.ts";
import type { CollectorFlags } from "./collector_flags.ts";
import type { ExitCode } from "./exit_code.ts";
import { refuse } from "./refuse.ts";
import { stopSignals } from "./stop_signals.ts";
import { write } from "./terminal.ts";
import { feedOfStore, servePage } from "./usage_page.ts";

const HELP = "relaymeter collector --help";
/** Bodies held at once, in bodies of the largest size. */
const HELD_BODIES = 8;

/** Runs the collector until SIGTERM or SIGINT. */
export async function collect(
  flags: CollectorFlags,
  positionals: readonly string[],
  flagMistakes: readonly string[],
): Promise<ExitCode> {
  const mistakes = [...flagMistakes];
  const [path] = positionals;
  if (path === undefined || positionals.length > 1) mistakes.push("collector takes one file, such as usage.db");
  const address = parseAddress(flags.listen || "127.0.0.1:4318");
  if (address === undefined) mistakes.push(`--listen: "${flags.listen}" is not host:port`);
  if (path === undefined || address === undefined || mistakes.length > 0) return refuse(mistakes, HELP);

  const log = createJsonLog(flags["log-level"], (line) => write(Deno.stderr, line));
  const page = feedOfStore();
  const opened = UsageStore.open(path, { clock: systemClock, log, onStored: page.onStored }, {
    maxAgeMs: { relay_usage: flags["max-age"], optimizer_qos: flags["max-qos-age"] },
    maxBytes: flags["max-bytes"],
  });
  if (opened.kind === "failure") return refuse([opened.message], HELP);
  await using store = opened.store;
  page.setStore(store);
  const receiver = new UsageReceiver(store, systemClock, {
    maxBodyBytes: flags["max-request-body-bytes"],
    maxHeldBytes: flags["max-request-body-bytes"] * HELD_BODIES,
    bodyTimeoutMs: flags["request-body-timeout"],
  }, log);
  const stopped = stopSignals();
  const listeners: Pick<Listener, "shutdown">[] = [];
  let listening = address;
  try {
    if (flags.ui !== "disabled") {
      listening = flags.ui;
      listeners.push(servePage(page.feed, flags.ui, flags["ui-host"], log));
      listening = address;
    }
    const listener = listen(address, (request) => receiver.fetch(request));
    listeners.push(listener);
    listening = listener;
  } catch {
    await Promise.all(listeners.map((each) => each.shutdown()));
    return refuse([`${addressText(listening)} can't be listened on, or is in use by another program`], HELP);
  }
  log.info("collector is listening", { address: addressText(listening), file: path });

  if (!isLoopback(address)) {
    log.warn("the collector takes events from whoever reaches it; keep strangers away", {
      address: addressText(listening),
    });
  }

  const signal = await stopped.first;
  log.info("stopping: no new requests are taken", { signal });
  let cancelTimer = () => {};
  const timeUp = new Promise<void>((resolve) => {
    cancelTimer = systemClock.schedule(flags["shutdown-grace"], resolve);
  });
  await Promise.race([Promise.all(listeners.map((each) => each.shutdown())), timeUp, stopped.second]);
  cancelTimer();
  await store[Symbol.asyncDispose]();
  log.info("stopped", { ...receiver.counts(), ...store.counts() });
  return 0;
}
