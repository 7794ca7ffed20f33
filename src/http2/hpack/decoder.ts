import { ConnectionError, ERROR_CODE } from "../error_code.ts";
import type { Field } from "../port.ts";
import { DynamicTable, fieldSize } from "./dynamic_table.ts";
import { huffmanDecode } from "./huffman.ts";
import { STATIC_TABLE } from "./static_table.ts";

/** What a header block held. */
export interface HeaderList {
  readonly fields: Field[];
  /** The list was larger than allowed: the fields are those that fitted. */
  readonly isTooLarge: boolean;
}

/**
 * Reads header blocks of one connection, in their order. A block that can't be read throws a `ConnectionError`, since the
 * table is of no use afterwards. A block over the limit is read to its end all the same, for the table's sake, but no
 * memory is spent on what does not fit.
 */
export class HpackDecoder {
  readonly #table: DynamicTable;
  readonly #maxTableSize: number;
  readonly #maxListBytes: number;
  #bytes = new Uint8Array();
  #at = 0;
  #end = 0;

  constructor(maxTableSize: number, maxListBytes: number) {
    this.#table = new DynamicTable(maxTableSize);
    this.#maxTableSize = maxTableSize;
    this.#maxListBytes = maxListBytes;
  }

  /** Decodes `block`, which is not kept. */
  decode(block: Uint8Array<ArrayBuffer>): HeaderList {
    this.#bytes = block;
    this.#at = 0;
    this.#end = block.length;
    const fields: Field[] = [];
    let listBytes = 0;
    let isAtStart = true;
    while (this.#at < this.#end) {
      const byte = this.#bytes[this.#at]!;
      if ((byte & 0xe0) === 0x20) {
        if (!isAtStart) throw broken("a table size update stands behind a field");
        this.#updateSize();
        continue;
      }
      isAtStart = false;
      const field = this.#field(byte);
      listBytes += fieldSize(field[0], field[1]);
      if (listBytes <= this.#maxListBytes) fields.push(field);
    }
    return { fields, isTooLarge: listBytes > this.#maxListBytes };
  }

  #field(byte: number): Field {
    if (byte >= 0x80) return this.#indexed(this.#integer(7));
    const isKept = byte >= 0x40;
    const nameIndex = this.#integer(isKept ? 6 : 4);
    const name = nameIndex === 0 ? this.#string() : this.#indexed(nameIndex)[0];
    const field: Field = [name, this.#string()];
    if (isKept) this.#table.add(field);
    return field;
  }

  #indexed(index: number): Field {
    const field = index <= STATIC_TABLE.length
      ? STATIC_TABLE[index - 1]
      : this.#table.at(index - STATIC_TABLE.length - 1);
    if (field === undefined) throw broken("an index points to nothing");
    return field;
  }

  #updateSize(): void {
    const size = this.#integer(5);
    if (size > this.#maxTableSize) throw broken("the table is made larger than allowed");
    this.#table.resize(size);
  }

  #integer(prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = this.#bytes[this.#at++]! & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      if (this.#at >= this.#end) throw broken("an integer is cut off");
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw broken("an integer is too large");
  }

  #string(): string {
    if (this.#at >= this.#end) throw broken("a string is cut off");
    const isCoded = this.#bytes[this.#at]! >= 0x80;
    const length = this.#integer(7);
    const from = this.#at;
    const to = from + length;
    if (to > this.#end) throw broken("a string is cut off");
    this.#at = to;
    if (isCoded) {
      const text = huffmanDecode(this.#bytes, from, to);
      if (text === undefined) throw broken("a string is not properly coded");
      return text;
    }
    let text = "";
    for (let i = from; i < to; i++) text += String.fromCharCode(this.#bytes[i]!);
    return text;
  }
}

function broken(what: string): ConnectionError {
  return new ConnectionError(ERROR_CODE.COMPRESSION_ERROR, what);
}
