/** A range of addresses: those whose first `bits` are those of `bytes`. */
interface Range {
  readonly bytes: readonly number[];
  readonly bits: number;
}

/** Whether an address is in any of the ranges. */
export type AddressTest = (address: string) => boolean;

/**
 * Compiles addresses and ranges such as `10.0.0.0/8`, `192.0.2.7`, `fd00::/8`; comes back with the texts that are none.
 * An IPv4 address that an IPv6 socket shows as `::ffff:192.0.2.7` is the same address.
 */
export function compileRanges(
  texts: readonly string[],
): { readonly includes: AddressTest; readonly invalid: readonly string[] } {
  const ranges: Range[] = [];
  const invalid: string[] = [];
  for (const text of texts) {
    const range = parseRange(text);
    if (range === undefined) invalid.push(text);
    else ranges.push(range);
  }
  const includes = ranges.length === 0 ? () => false : (address: string) => {
    const bytes = parseAddressBytes(address);
    return bytes !== undefined && ranges.some((range) => isWithin(bytes, range));
  };
  return { includes, invalid };
}

function isWithin(bytes: readonly number[], range: Range): boolean {
  if (bytes.length !== range.bytes.length) return false;
  for (let bit = 0; bit < range.bits; bit += 8) {
    const mask = range.bits - bit >= 8 ? 0xff : 0xff << (8 - (range.bits - bit)) & 0xff;
    if (((bytes[bit / 8]! ^ range.bytes[bit / 8]!) & mask) !== 0) return false;
  }
  return true;
}

function parseRange(text: string): Range | undefined {
  const [address = "", bits, ...rest] = text.trim().split("/");
  const bytes = parseAddressBytes(address);
  if (bytes === undefined || rest.length > 0) return undefined;
  const size = bytes.length * 8;
  if (bits === undefined) return { bytes, bits: size };
  return /^\d{1,3}$/.test(bits) && Number(bits) <= size ? { bytes, bits: Number(bits) } : undefined;
}

function parseAddressBytes(text: string): number[] | undefined {
  if (!text.includes(":")) return parseIpv4(text);
  const bytes = parseIpv6(text);
  const isMapped = bytes?.every((byte, index) => index >= 12 || byte === (index < 10 ? 0 : 0xff));
  return isMapped ? bytes!.slice(12) : bytes;
}

function parseIpv4(text: string): number[] | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) {
    return undefined;
  }
  return parts.map(Number);
}

function parseIpv6(text: string): number[] | undefined {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (dotted !== null) {
    const last = parseIpv4(dotted[2]!);
    if (last === undefined) return undefined;
    const groups = [last[0]! << 8 | last[1]!, last[2]! << 8 | last[3]!].map((group) => group.toString(16));
    return parseIpv6(dotted[1]! + groups.join(":"));
  }
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head = [], tail] = halves.map((half) => half === "" ? [] : half.split(":"));
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array(missing).fill("0"), ...tail ?? []];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return groups.flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff]);
}
