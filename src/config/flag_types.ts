import * as v from "valibot";
import { type Address, parseAddress } from "./address.ts";
import { DURATION_PATTERN, parseDuration } from "../domain/duration.ts";

/** A command-line flag: what it takes, what it is without it, and what it is for. */
export interface Flag<Value, Written = unknown> {
  /** How a value is written, for the help text; empty for a switch. */
  readonly placeholder: string;
  /** The default as it would be written. */
  readonly defaultText: string;
  readonly help: string;
  readonly kind: "switch" | "single" | "list";
  /** The value of what was written; undefined when it can't be one. */
  parse(text: string): Value | undefined;
  /** What is allowed, for the message about a bad value. */
  readonly allowed: string;
  /** The value when the flag is not given. */
  readonly initial: Value;
  /** What a configuration file may have under the flag's name. */
  readonly written: v.GenericSchema<Written>;
  /** Whether the value may hold a key or a password, so that it is never shown. */
  readonly isSecret?: true;
}

/** A flag whose value is never shown. */
export function secret<Value, Written>(flag: Flag<Value, Written>): Flag<Value, Written> {
  return { ...flag, isSecret: true };
}

/** On or off: `--flag`, `--flag=false`. */
export function toggle(initial: boolean, help: string): Flag<boolean, boolean> {
  const allowed = "true or false";
  return {
    placeholder: "",
    defaultText: String(initial),
    help,
    kind: "switch",
    parse: (text) => text === "true" ? true : text === "false" ? false : undefined,
    allowed,
    initial,
    written: v.boolean(`must be ${allowed}`),
  };
}

/** A whole number within bounds. */
export function integer(initial: number, min: number, max: number, help: string): Flag<number, number> {
  const allowed = `a whole number from ${min} to ${max}`;
  const message = `must be ${allowed}`;
  return {
    placeholder: "N",
    defaultText: String(initial),
    help,
    kind: "single",
    parse: (text) => /^\d{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max ? Number(text) : undefined,
    allowed,
    initial,
    written: v.pipe(v.number(message), v.integer(message), v.minValue(min, message), v.maxValue(max, message)),
  };
}

/** A number within bounds, written with or without a fraction. */
export function decimal(initial: number, min: number, max: number, help: string): Flag<number, number> {
  const allowed = `a number from ${min} to ${max}`;
  const message = `must be ${allowed}`;
  return {
    placeholder: "X",
    defaultText: String(initial),
    help,
    kind: "single",
    parse(text) {
      const value = /^\d{1,9}(?:\.\d{1,9})?$/.test(text) ? Number(text) : NaN;
      return value >= min && value <= max ? value : undefined;
    },
    allowed,
    initial,
    written: v.pipe(v.number(message), v.minValue(min, message), v.maxValue(max, message)),
  };
}

/** A duration as Go writes it, in milliseconds. */
export function duration(initialText: string, minMs: number, maxText: string, help: string): Flag<number, string> {
  const maxMs = parseDuration(maxText)!;
  const allowed = `a duration such as 500ms, 10s or 1m30s, from ${minMs}ms to ${maxText}`;
  const message = `must be ${allowed}`;
  return {
    placeholder: "DURATION",
    defaultText: initialText,
    help,
    kind: "single",
    parse(text) {
      const ms = parseDuration(text);
      return ms !== undefined && ms >= minMs && ms <= maxMs ? ms : undefined;
    },
    allowed,
    initial: parseDuration(initialText)!,
    written: v.pipe(v.string(message), v.regex(DURATION_PATTERN, message)),
  };
}

/** One of a few words. */
export function choice<const Word extends string>(
  words: readonly Word[],
  initial: Word,
  help: string,
): Flag<Word, Word> {
  const allowed = words.filter(Boolean).join(", ");
  return {
    placeholder: words.join("|"),
    defaultText: initial,
    help,
    kind: "single",
    parse: (text) => words.find((word) => word === text),
    allowed,
    initial,
    written: v.picklist(words, `must be ${allowed}`),
  };
}

/** An address to listen on, or `disabled`. Without a host, as in `:7779`, it is every address of this one. */
export function optionalAddress(help: string): Flag<Address | "disabled", string> {
  const allowed = "disabled, or host:port with a port from 0 to 65535";
  const message = `must be ${allowed}`;
  return {
    placeholder: "HOST:PORT",
    defaultText: "disabled",
    help,
    kind: "single",
    parse: (text) => text === "disabled" ? text : parseAddress(text.startsWith(":") ? `0.0.0.0${text}` : text),
    allowed,
    initial: "disabled",
    written: v.pipe(v.string(message), v.regex(/^disabled$|:\d{1,5}$/, message)),
  };
}

/** An address to listen on, or `disabled`; a port alone is one of loopback. */
export function ownAddress(help: string): Flag<Address | "disabled", string | number> {
  const flag = optionalAddress(help);
  const allowed = "disabled, a port, or host:port with a port from 0 to 65535";
  const port = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535));
  return {
    ...flag,
    placeholder: "[HOST:]PORT",
    parse: (text) => flag.parse(/^:?\d+$/.test(text) ? `127.0.0.1:${text.replace(":", "")}` : text),
    allowed,
    written: v.union([v.pipe(v.string(), v.regex(/^disabled$|^(?:.*:)?\d{1,5}$/)), port], `must be ${allowed}`),
  };
}

/** Any text. */
export function text(placeholder: string, help: string, initial = ""): Flag<string, string> {
  return {
    placeholder,
    defaultText: initial,
    help,
    kind: "single",
    parse: (value) => value,
    allowed: "a text",
    initial,
    written: v.string("must be a text"),
  };
}

/** Any text, as often as wanted. */
export function texts(placeholder: string, help: string): Flag<readonly string[], string | string[]> {
  const message = "must be a text that is not empty, or a list of them";
  const one = v.pipe(v.string(message), v.nonEmpty(message));
  return {
    placeholder,
    defaultText: "",
    help,
    kind: "list",
    parse: (value) => value === "" ? undefined : [value],
    allowed: "a text that is not empty",
    initial: [],
    written: v.union([one, v.array(one, message)], message),
  };
}
