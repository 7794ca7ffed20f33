import { findInFiles, findInStore, type FoundEvent } from "../report/find_event.ts";
import { visible } from "../report/format.ts";
import { describe } from "../store/open_store.ts";
import { parseEventId } from "../usage/usage_row.ts";
import type { ExitCode } from "./exit_code.ts";
import { Progress } from "./progress.ts";
import { refuse } from "./refuse.ts";
import { print, printError } from "./terminal.ts";
import { openSource, type UsageSource } from "./usage_source.ts";

const HELP = "relaymeter usage show --help";

/** Prints one event. Ends with 1 when it is not there. */
export async function usageShow(positionals: readonly string[], flagMistakes: readonly string[]): Promise<ExitCode> {
  const mistakes = [...flagMistakes];
  const [eventId = "", ...paths] = positionals;
  if (parseEventId(eventId) === undefined) {
    mistakes.push(`"${eventId}" is no event id; they are <instance>/<boot>/<number>`);
  }
  const source = await openSource(paths);
  if (source.kind === "failure") mistakes.push(source.message);
  if (mistakes.length > 0 || source.kind === "failure") {
    if (source.kind === "store") source.file[Symbol.dispose]();
    return refuse(mistakes, HELP);
  }
  const found = await find(source, eventId);
  if (found.kind !== "found") {
    const reason = found.kind === "removed" ? "was there, and retention has removed it" : "is not there";
    printError(`relaymeter: ${eventId} ${reason}`);
    return 1;
  }
  const pairs = Object.entries({ time: new Date(found.timeUnixMs).toISOString(), ...found.attributes });
  const width = Math.max(...pairs.map(([name]) => name.length));
  print(pairs.map(([name, value]) => `${name.padEnd(width)}  ${visible(String(value))}`).join("\n"));
  return 0;
}

async function find(source: Exclude<UsageSource, { kind: "failure" }>, eventId: string): Promise<FoundEvent> {
  if (source.kind === "files") {
    using progress = new Progress();
    let readBytes = 0;
    return await findInFiles(source.files, eventId, (count) => {
      readBytes += count;
      progress.update(readBytes / source.bytes);
    });
  }
  using file = source.file;
  try {
    return findInStore(file.db, eventId);
  } catch (error) {
    throw new Error(describe(error, source.path));
  }
}
