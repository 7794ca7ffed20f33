import type { Fields } from "../port.ts";
import { DynamicTable } from "./dynamic_table.ts";
import { huffmanEncode, huffmanLength } from "./huffman.ts";
import { STATIC_TABLE } from "./static_table.ts";

/** Where a field or its name stands in the static table, from 1. */
const STATIC_NAMES = new Map<string, number>();
const STATIC_FIELDS = new Map<string, Map<string, number>>();
STATIC_TABLE.forEach(([name, value], index) => {
  if (!STATIC_NAMES.has(name)) STATIC_NAMES.set(name, index + 1);
  if (!STATIC_FIELDS.has(name)) STATIC_FIELDS.set(name, new Map());
  STATIC_FIELDS.get(name)!.set(value, index + 1);
});

/** Secret: marked so that no one on the way keeps them in a table. */
const NEVER_KEPT: ReadonlySet<string> = new Set(["authorization", "proxy-authorization", "cookie", "set-cookie"]);

/** Different on most requests, so that keeping them would only push others out. */
const RARELY_SAME: ReadonlySet<string> = new Set([
  "content-length",
  "date",
  "grpc-message",
  "grpc-status-details-bin",
  "grpc-timeout",
  "traceparent",
]);

/** Longer values are not kept. */
const MAX_KEPT_CHARS = 256;

/** The largest table that is kept, whatever the peer allows. */
const MAX_TABLE_SIZE = 4096;

/** Writes header blocks of one connection, in their order. */
export class HpackEncoder {
  /** Name, value, and the entry's serial number in the dynamic table. */
  readonly #kept = new Map<string, Map<string, number>>();
  readonly #table = new DynamicTable(MAX_TABLE_SIZE, ([name, value]) => this.#forget(name, value));
  #serial = 0;
  #pendingSizes: number[] = [];
  #bytes = new Uint8Array(1024);
  #at = 0;

  /** The peer's SETTINGS allow a table of that size. */
  setMaxTableSize(size: number): void {
    const used = Math.min(size, MAX_TABLE_SIZE);
    if (used === this.#table.maxSize && this.#pendingSizes.length === 0) return;
    this.#table.resize(used);
    // The smallest size in between has to be told as well as the last.
    const smallest = Math.min(used, ...this.#pendingSizes);
    this.#pendingSizes = smallest < used ? [smallest, used] : [used];
  }

  /** Encodes a list. The bytes are lent until the next call. */
  encode(fields: Fields): Uint8Array<ArrayBuffer> {
    this.#at = 0;
    for (const size of this.#pendingSizes) this.#integer(0x20, 5, size);
    this.#pendingSizes = [];
    for (const field of fields) this.#field(field);
    return this.#bytes.subarray(0, this.#at);
  }

  #field(field: readonly [string, string]): void {
    const [name, value] = field;
    const inStatic = STATIC_FIELDS.get(name)?.get(value);
    if (inStatic !== undefined) return this.#integer(0x80, 7, inStatic);
    const serial = this.#kept.get(name)?.get(value);
    if (serial !== undefined) return this.#integer(0x80, 7, STATIC_TABLE.length + this.#serial - serial);
    const nameIndex = STATIC_NAMES.get(name) ?? 0;
    if (NEVER_KEPT.has(name)) this.#integer(0x10, 4, nameIndex);
    else if (!isWorthKeeping(name, value)) this.#integer(0, 4, nameIndex);
    else {
      this.#integer(0x40, 6, nameIndex);
      this.#keep(name, value);
    }
    if (nameIndex === 0) this.#string(name);
    this.#string(value);
  }

  #keep(name: string, value: string): void {
    if (!this.#table.add([name, value])) return;
    let values = this.#kept.get(name);
    if (values === undefined) this.#kept.set(name, values = new Map());
    values.set(value, this.#serial++);
  }

  #forget(name: string, value: string): void {
    const values = this.#kept.get(name)!;
    values.delete(value);
    if (values.size === 0) this.#kept.delete(name);
  }

  #integer(pattern: number, prefixBits: number, value: number): void {
    this.#reserve(6);
    const mask = (1 << prefixBits) - 1;
    if (value < mask) {
      this.#bytes[this.#at++] = pattern | value;
      return;
    }
    this.#bytes[this.#at++] = pattern | mask;
    let rest = value - mask;
    for (; rest >= 0x80; rest >>>= 7) this.#bytes[this.#at++] = (rest & 0x7f) | 0x80;
    this.#bytes[this.#at++] = rest;
  }

  #string(text: string): void {
    const coded = huffmanLength(text);
    if (coded < text.length) {
      this.#integer(0x80, 7, coded);
      this.#reserve(coded);
      this.#at = huffmanEncode(text, this.#bytes, this.#at);
      return;
    }
    this.#integer(0, 7, text.length);
    this.#reserve(text.length);
    for (let i = 0; i < text.length; i++) this.#bytes[this.#at++] = text.charCodeAt(i);
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

function isWorthKeeping(name: string, value: string): boolean {
  return value.length <= MAX_KEPT_CHARS && !RARELY_SAME.has(name);
}
