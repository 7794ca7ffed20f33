import { parseDocument } from "yaml";
import { type Decimal, parseDecimal, perMillion } from "./decimal.ts";

/** What a price holds for; the first that fits counts. */
interface PriceRule {
  readonly project: string | undefined;
  readonly chain: string | undefined;
  readonly perUnit: Decimal;
}

/** A list of prices, as its file has it. */
export interface Prices {
  readonly version: string;
  readonly currency: string;
  readonly rules: readonly PriceRule[];
}

/** Prices, or everything that is wrong with their file. */
export type PricesResult =
  | { readonly kind: "prices"; readonly prices: Prices }
  | { readonly kind: "mistakes"; readonly mistakes: readonly string[] };

const FILE_MEMBERS = ["version", "currency", "prices"];
const PRICE_MEMBERS = ["project", "chain", "per-million-units"];

/**
 * Reads a file of prices, YAML or JSON. Every value is read as the text that stands there, so that no price goes
 * through a double.
 */
export function readPrices(text: string): PricesResult {
  const document = parseDocument(text, { schema: "failsafe", prettyErrors: false });
  const mistakes: string[] = [];
  if (document.errors.length > 0) return { kind: "mistakes", mistakes: ["is neither YAML nor JSON"] };
  const file = membersOf(document.toJS({ maxAliasCount: 100 }));
  if (file === undefined) return { kind: "mistakes", mistakes: ["needs the members version, currency and prices"] };
  mistakes.push(...unknownIn(file, FILE_MEMBERS, ""));
  const [version, currency] = [file["version"], file["currency"]].map((value) =>
    typeof value === "string" ? value : ""
  );
  if (version === "") mistakes.push("version: a text is needed; it is printed with each report");
  if (currency === "") mistakes.push("currency: a text is needed, such as EUR");
  const list = file["prices"];
  const rules: PriceRule[] = [];
  if (!Array.isArray(list) || list.length === 0) mistakes.push("prices: a list with at least one price is needed");
  for (const [index, entry] of (Array.isArray(list) ? list : []).entries()) {
    const at = `prices[${index}]`;
    const members = membersOf(entry);
    if (members === undefined) {
      mistakes.push(`${at}: needs per-million-units, and project or chain or both where it is not for all`);
      continue;
    }
    mistakes.push(...unknownIn(members, PRICE_MEMBERS, `${at}.`));
    for (const name of ["project", "chain"]) {
      const value = members[name];
      if (value !== undefined && typeof value !== "string") mistakes.push(`${at}.${name}: is not a text`);
    }
    const written = members["per-million-units"];
    const price = typeof written === "string" ? parseDecimal(written) : undefined;
    if (price === undefined) {
      mistakes.push(`${at}.per-million-units: is not a decimal number that is not negative, such as 0.30`);
      continue;
    }
    rules.push({
      project: members["project"] as string | undefined,
      chain: members["chain"] as string | undefined,
      perUnit: perMillion(price),
    });
  }
  if (mistakes.length > 0) return { kind: "mistakes", mistakes };
  return { kind: "prices", prices: { version: version!, currency: currency!, rules } };
}

/** The price of a unit; undefined when there is none. */
export function priceOf({ rules }: Prices, project: string, chain: string): Decimal | undefined {
  const fits = (rule: PriceRule) =>
    (rule.project === undefined || rule.project === project) && (rule.chain === undefined || rule.chain === chain);
  return rules.find(fits)?.perUnit;
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Readonly<Record<string, unknown>>
    : undefined;
}

function unknownIn(members: Readonly<Record<string, unknown>>, known: readonly string[], at: string): string[] {
  return Object.keys(members).filter((name) => !known.includes(name)).map((name) => {
    return `${at}${name}: is no member; ${known.join(", ")} are`;
  });
}
