import type { RequestedBlock } from "../domain/block.ts";
import type { HeaderSource } from "./request_headers.ts";

/** Where Cosmos chains are told the height that a query is about: as metadata, and as their gateway passes it on. */
const NAMES: readonly string[] = ["x-cosmos-block-height", "grpc-metadata-x-cosmos-block-height"];

/** The block that a query is about, where its headers say so. */
export function readHeightHeader(headers: HeaderSource): RequestedBlock | undefined {
  for (const name of NAMES) {
    const text = headers.get(name);
    // 0 is the latest, as is nothing.
    if (text !== null && /^[1-9]\d{0,14}$/.test(text)) return { from: Number(text), to: Number(text) };
  }
  return undefined;
}
