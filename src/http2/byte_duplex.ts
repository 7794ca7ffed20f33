/** A connection as bytes, such as a `Deno.Conn`. Each method may reject when the connection is gone. */
export interface ByteDuplex {
  /** Reads some bytes; null at the end. */
  read(into: Uint8Array<ArrayBuffer>): Promise<number | null>;
  /** Writes some of the bytes, and comes back with how many. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<number>;
  /** Says that no more will be written, where the connection can. */
  closeWrite?(): Promise<void>;
  close(): void;
}
