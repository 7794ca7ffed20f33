import { type Address, parseAddress } from "./address.ts";
import { parseDuration } from "../domain/duration.ts";

/** A command-line flag: what it takes, what it is without it, and what it is for. */
export interface Flag<Value> {
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
  /** Whether the value may hold a key or a password, so that it is never shown. */
  readonly isSecret?: true;
}

/** A flag whose value is never shown. */
export function secret<Value>(flag: Flag<Value>): Flag<Value> {
  return { ...flag, isSecret: true };
}

/** On or off: `--flag`, `--flag=false`. */
export function toggle(initial: boolean, help: string): Flag<boolean> {
  return {
    placeholder: "",
    defaultText: String(initial),
    help,
    kind: "switch",
    parse: (text) => text === "true" ? true : text === "false" ? false : undefined,
    allowed: "true or false",
    initial,
  };
}

/** A whole number within bounds. */
export function integer(initial: number, min: number, max: number, help: string): Flag<number> {
  return {
    placeholder: "N",
    defaultText: String(initial),
    help,
    kind: "single",
    parse: (text) => /^\d{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max ? Number(text) : undefined,
    allowed: `a whole number from ${min} to ${max}`,
    initial,
  };
}

/** A number within bounds, written with or without a fraction. */
export function decimal(initial: number, min: number, max: number, help: string): Flag<number> {
  return {
    placeholder: "X",
    defaultText: String(initial),
    help,
    kind: "single",
    parse(text) {
      const value = /^\d{1,9}(?:\.\d{1,9})?$/.test(text) ? Number(text) : NaN;
      return value >= min && value <= max ? value : undefined;
    },
    allowed: `a number from ${min} to ${max}`,
    initial,
  };
}

/** A duration as Go writes it, in milliseconds. */
export function duration(initialText: string, minMs: number, maxText: string, help: string): Flag<number> {
  const maxMs = parseDuration(maxText)!;
  return {
    placeholder: "DURATION",
    defaultText: initialText,
    help,
    kind: "single",
    parse(text) {
      const ms = parseDuration(text);
      return ms !== undefined && ms >= minMs && ms <= maxMs ? ms : undefined;
    },
    allowed: `a duration such as 500ms, 10s or 1m30s, from ${minMs}ms to ${maxText}`,
    initial: parseDuration(initialText)!,
  };
}

/** One of a few words. */
export function choice<const Word extends string>(words: readonly Word[], initial: Word, help: string): Flag<Word> {
  return {
    placeholder: words.join("|"),
    defaultText: initial,
    help,
    kind: "single",
    parse: (text) => words.find((word) => word === text),
    allowed: words.join(", "),
    initial,
  };
}

/** An address to listen on, or `disabled`. */
export function optionalAddress(help: string): Flag<Address | "disabled"> {
  return {
    placeholder: "HOST:PORT",
    defaultText: "disabled",
    help,
    kind: "single",
    parse: (text) => text === "disabled" ? text : parseAddress(text),
    allowed: "disabled, or host:port with a port from 0 to 65535",
    initial: "disabled",
  };
}

/** Any text. */
export function text(placeholder: string, help: string, initial = ""): Flag<string> {
  return {
    placeholder,
    defaultText: initial,
    help,
    kind: "single",
    parse: (value) => value,
    allowed: "a text",
    initial,
  };
}

/** Any text, as often as wanted. */
export function texts(placeholder: string, help: string): Flag<readonly string[]> {
  return {
    placeholder,
    defaultText: "",
    help,
    kind: "list",
    parse: (value) => value === "" ? undefined : [value],
    allowed: "a text that is not empty",
    initial: [],
  };
}
