/** What a relay said of its `relay_usage` events: when it ended, or in a snapshot of its metrics. */
export interface RelayLedger {
  /** Whether it is the last word; a snapshot is of a relay that goes on. */
  readonly isFinal: boolean;
  /** `<service.instance.id>/<boot id>`. */
  readonly boot: string;
  /** The number of its last event. */
  readonly last: number;
  /** Events that it took over from the spool of dead processes, with the ids that they had. */
  readonly adopted: number;
  readonly exported: number;
  /** Events given up, by reason; those that are 0 are left out. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Events that were in its memory then. */
  readonly lost: number;
  /** Events that waited on disk then. */
  readonly spooled: number;
  /** Whether its equation holds. */
  readonly isBalanced: boolean;
}

const PREFIX = "relay_usage_";
const DROPPED = `${PREFIX}dropped_`;

/**
 * The ledgers in a text: the final ones of a relay's log, which is a JSON object in each line, or those of a snapshot
 * of `/metrics`, one for each process that it is of. Other lines are skipped.
 */
export function readLedgers(text: string): RelayLedger[] {
  const snapshots = readSnapshots(text);
  if (snapshots.length > 0) return snapshots;
  return text.split("\n").flatMap((line) => {
    // A log may hold gigabytes of other lines.
    if (!line.includes('"usage_boot"')) return [];
    const start = line.indexOf("{");
    let fields: unknown;
    try {
      fields = JSON.parse(line.slice(start));
    } catch {
      return [];
    }
    const ledger = readLedger(fields as Readonly<Record<string, unknown>>);
    return ledger === undefined ? [] : [ledger];
  });
}

const METRIC = /^[a-z_]*usage_events_([a-z_]+)\{([^}]*)\} (\d+)$/gm;

/** The ledgers of a snapshot in the text format of Prometheus, each read as if it were a line of the log. */
function readSnapshots(text: string): RelayLedger[] {
  const byProcess = new Map<string, Record<string, unknown>>();
  for (const [, name, labelText, value] of text.matchAll(METRIC)) {
    const labels = Object.fromEntries(
      [...labelText!.matchAll(/([a-z]+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, escaped]) => [key!, unescape(escaped!)]),
    );
    const process = labels["process"] ?? "";
    const fields = byProcess.get(process) ?? {};
    byProcess.set(process, fields);
    if (name === "numbered_total") {
      fields["usage_boot"] = labels["boot"];
      fields["usage_last_number"] = Number(value);
    } else if (labels["kind"] === "relay_usage") {
      const field = name!.replace(/_total$/, "");
      fields[`${PREFIX}${field}${labels["reason"] === undefined ? "" : `_${labels["reason"]}`}`] = Number(value);
    }
  }
  const ledgers = [...byProcess.values()].flatMap((fields) => readLedger(fields) ?? []);
  return ledgers.map((ledger) => ({ ...ledger, isFinal: false }));
}

function unescape(text: string): string {
  return text.replace(/\\(.)/g, (_, char) => char === "n" ? "\n" : char);
}

function readLedger(fields: Readonly<Record<string, unknown>>): RelayLedger | undefined {
  const { usage_boot: boot, usage_last_number: last } = fields;
  const count = (name: string) => Number(fields[`${PREFIX}${name}`]);
  const accepted = count("accepted");
  if (typeof boot !== "string" || typeof last !== "number" || !Number.isSafeInteger(accepted)) return undefined;
  const reasons = Object.keys(fields).filter((name) => name.startsWith(DROPPED) && fields[name] !== 0);
  const dropped = Object.fromEntries(reasons.map((name) => [name.slice(DROPPED.length), Number(fields[name])]));
  const lost = count("queued") + count("in_flight");
  const [exported, spooled] = [count("exported"), count("spooled")];
  const droppedSum = Object.values(dropped).reduce((sum, each) => sum + each, 0);
  return {
    isFinal: true,
    boot,
    last,
    adopted: accepted - last,
    exported,
    dropped,
    lost,
    spooled,
    isBalanced: accepted === exported + droppedSum + lost + spooled && accepted >= last,
  };
}
