import type { NodeErrorClass } from "../domain/node_error.ts";

/** What a node said went wrong, as far as it tells kinds of error apart. */
export interface NodeError {
  /** The protocol's error code; undefined where there is none. */
  readonly code: number | undefined;
  /** Message and details. */
  readonly text: string;
}

/** A row of a protocol's table: errors that have one of the codes and the text, where these are given. */
export interface NodeErrorRule {
  readonly kind: NodeErrorClass;
  readonly codes?: readonly number[];
  readonly text?: RegExp;
}

/** The kind of the first row that fits; `unknown` when none does, which takes the node at its word. */
export function classify(rules: readonly NodeErrorRule[], { code, text }: NodeError): NodeErrorClass {
  for (const rule of rules) {
    if (rule.codes !== undefined && (code === undefined || !rule.codes.includes(code))) continue;
    if (rule.text === undefined || rule.text.test(text)) return rule.kind;
  }
  return "unknown";
}

/** Most of a message that is looked at: what tells kinds apart stands at its start. */
const MAX_TEXT_CHARS = 1_000;

/** The texts that an error object holds, as one. */
export function joinTexts(...values: readonly unknown[]): string {
  return values.filter((value) => typeof value === "string").map((value) => value.slice(0, MAX_TEXT_CHARS)).join(" ");
}
