/** What a relay said of its `relay_usage` events when it ended. */
export interface FinalLedger {
  /** `<service.instance.id>/<boot id>`. */
  readonly boot: string;
  /** The number of its last event. */
  readonly last: number;
  /** Events that it took over from the spool of dead processes, with the ids that they had. */
  readonly adopted: number;
  readonly exported: number;
  /** Events given up, by reason; those that are 0 are left out. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Events that were in its memory when it ended. */
  readonly lost: number;
  /** Events that waited on disk when it ended. */
  readonly spooled: number;
  /** Whether its equation holds. */
  readonly isBalanced: boolean;
}

const PREFIX = "relay_usage_";
const DROPPED = `${PREFIX}dropped_`;

/** The final ledgers in a relay's log, which is a JSON object in each line; other lines are skipped. */
export function readLedgers(logText: string): FinalLedger[] {
  return logText.split("\n").flatMap((line) => {
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

function readLedger(fields: Readonly<Record<string, unknown>>): FinalLedger | undefined {
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
