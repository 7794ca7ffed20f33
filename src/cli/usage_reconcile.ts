import { choice, type Flag, texts } from "../config/flag_types.ts";
import type { FlagValues } from "../config/flags.ts";
import { arrivalsOfFiles, arrivalsOfStore } from "../report/arrivals.ts";
import { formatReconciliation, reconciliationJson } from "../report/format_reconciliation.ts";
import { readLedgers, type RelayLedger } from "../report/ledger_lines.ts";
import { type Arrivals, reconcile } from "../report/reconcile.ts";
import { describe } from "../store/open_store.ts";
import type { ExitCode } from "./exit_code.ts";
import { Progress } from "./progress.ts";
import { readNamedFile } from "./read_named_file.ts";
import { refuse } from "./refuse.ts";
import { write } from "./terminal.ts";
import { openSource, type UsageSource } from "./usage_source.ts";

/** The flags of `usage reconcile`. */
export const USAGE_RECONCILE_FLAGS = {
  "ledger": texts(
    "FILE",
    "the log of a relay, with its final ledger, or a snapshot of its /metrics; repeat it for more",
  ),
  "format": choice(["table", "json"], "table", "how the result is written"),
} as const satisfies Record<string, Flag<unknown>>;

/** The values of the flags of `usage reconcile`. */
export type UsageReconcileFlags = FlagValues<typeof USAGE_RECONCILE_FLAGS>;

const HELP = "relaymeter usage reconcile --help";

/** Says whether everything that the relays counted has arrived. Ends with 0 only if every event is accounted for. */
export async function usageReconcile(
  flags: UsageReconcileFlags,
  positionals: readonly string[],
  flagMistakes: readonly string[],
): Promise<ExitCode> {
  const mistakes = [...flagMistakes];
  if (flags.ledger.length === 0) mistakes.push("--ledger FILE says what the relays counted: their logs");
  const ledgers = flags.ledger.flatMap((path) => readLog(path, mistakes));
  const source = await openSource(positionals);
  if (source.kind === "failure") mistakes.push(source.message);
  if (mistakes.length > 0 || source.kind === "failure") {
    if (source.kind === "store") source.file[Symbol.dispose]();
    return refuse(mistakes, HELP);
  }
  const result = reconcile(await readArrivals(source), ledgers);
  write(Deno.stdout, flags.format === "json" ? reconciliationJson(result) : formatReconciliation(result));
  return result.isAccountedFor ? 0 : 1;
}

function readLog(path: string, mistakes: string[]): readonly RelayLedger[] {
  const text = readNamedFile("--ledger", path, mistakes);
  if (text === undefined) return [];
  const ledgers = readLedgers(text);
  if (ledgers.length === 0) {
    mistakes.push(
      `--ledger: ${path}: holds no ledger with usage_boot, as relays with --usage-otel-extended have it`,
    );
  }
  return ledgers;
}

async function readArrivals(source: Exclude<UsageSource, { kind: "failure" }>): Promise<Arrivals> {
  if (source.kind === "files") {
    using progress = new Progress();
    let readBytes = 0;
    return await arrivalsOfFiles(source.files, (count) => {
      readBytes += count;
      progress.update(readBytes / source.bytes);
    });
  }
  using file = source.file;
  try {
    return arrivalsOfStore(file.db);
  } catch (error) {
    throw new Error(describe(error, source.path));
  }
}
