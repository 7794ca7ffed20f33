import { assert, assertEquals } from "@std/assert";
import { ConnectionError } from "../../../src/http2/error_code.ts";
import { HpackDecoder } from "../../../src/http2/hpack/decoder.ts";
import { HpackEncoder } from "../../../src/http2/hpack/encoder.ts";
import type { Field } from "../../../src/http2/port.ts";
import { seededRandom } from "../../support/seeded_random.ts";

function hex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text.match(/../g) ?? [], (byte) => parseInt(byte, 16));
}

/** Examples of RFC 7541, appendix C: blocks of one connection each, and what they say. */
const EXAMPLES: Readonly<Record<string, readonly (readonly [block: string, fields: string])[]>> = {
  "requests without Huffman": [
    [
      "828684410f7777772e6578616d706c652e636f6d",
      ":method: GET, :scheme: http, :path: /, :authority: www.example.com",
    ],
    [
      "828684be58086e6f2d6361636865",
      ":method: GET, :scheme: http, :path: /, :authority: www.example.com, cache-control: no-cache",
    ],
  ],
  "requests with Huffman": [
    ["828684418cf1e3c2e5f23a6ba0ab90f4ff", ":method: GET, :scheme: http, :path: /, :authority: www.example.com"],
    [
      "828684be5886a8eb10649cbf",
      ":method: GET, :scheme: http, :path: /, :authority: www.example.com, cache-control: no-cache",
    ],
    [
      "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
      ":method: GET, :scheme: https, :path: /index.html, :authority: www.example.com, custom-key: custom-value",
    ],
  ],
  "responses that push each other out of the table": [
    [
      "3fe101488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
      ":status: 302, cache-control: private, date: Mon, 21 Oct 2013 20:13:21 GMT, location: https://www.example.com",
    ],
    [
      "4883640effc1c0bf",
      ":status: 307, cache-control: private, date: Mon, 21 Oct 2013 20:13:21 GMT, location: https://www.example.com",
    ],
    [
      "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
      ":status: 200, cache-control: private, date: Mon, 21 Oct 2013 20:13:22 GMT, location: https://www.example.com, " +
      "content-encoding: gzip, set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
    ],
  ],
};

for (const [name, blocks] of Object.entries(EXAMPLES)) {
  Deno.test(`decodes ${name}`, () => {
    const decoder = new HpackDecoder(4096, 65_536);
    for (const [block, expected] of blocks) {
      const { fields } = decoder.decode(hex(block));
      assertEquals(fields.map(([field, value]) => `${field}: ${value}`).join(", "), expected);
    }
  });
}

Deno.test("what the encoder writes the decoder reads, whatever the table's size does", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = seededRandom(seed);
    const encoder = new HpackEncoder();
    const decoder = new HpackDecoder(4096, 1_000_000);
    const names = [":path", "grpc-timeout", "authorization", "x-a", "x-b-bin", "user-agent", "te"];
    for (let block = 0; block < 100; block++) {
      if (random() < 0.1) encoder.setMaxTableSize([0, 64, 300, 4096, 1e6][Math.floor(random() * 5)]!);
      const fields = Array.from({ length: Math.floor(random() * 12) }, (): Field => {
        const length = Math.floor(random() ** 4 * 500);
        const value = random() < 0.5
          ? String(Math.floor(random() * 5))
          : Array.from({ length }, () => String.fromCharCode(Math.floor(random() * 256))).join("");
        return [names[Math.floor(random() * names.length)]!, value];
      });
      assertEquals(decoder.decode(encoder.encode(fields).slice()).fields, fields);
    }
  }
});

Deno.test("repeated fields take one byte each", () => {
  const encoder = new HpackEncoder();
  const fields: Field[] = [[":path", "/cosmos.bank.v1beta1.Query/Balance"], ["user-agent", "grpc-go/1.70.0"]];
  assert(encoder.encode(fields).length > 20);
  assertEquals(encoder.encode(fields).length, 2);
});

const BROKEN: Readonly<Record<string, string>> = {
  "index 0": "80",
  "an index beyond the table": "ff20",
  "an integer without an end": "7f80808080808080808001",
  "an integer that is cut off": "7fff",
  "a string that is cut off": "400a6162",
  "a string without its length": "4001",
  "a Huffman string with the end of string in it": "00016184ffffffff",
  "a Huffman string with too much padding": "00016182 1fff".replace(" ", ""),
  "a Huffman string padded with zeros": "0001618118",
  "a table larger than allowed": "3fe2ff03",
  "a size update behind a field": "8220",
};

for (const [name, block] of Object.entries(BROKEN)) {
  Deno.test(`refuses ${name}`, () => {
    try {
      new HpackDecoder(4096, 65_536).decode(hex(block));
    } catch (error) {
      assert(error instanceof ConnectionError);
      return;
    }
    throw new Error("the block was read");
  });
}

Deno.test("a list over the limit costs no memory, and the table stays right", () => {
  const decoder = new HpackDecoder(4096, 10_000);
  // One entry of 2,000 bytes, then 10,000 references to it.
  const entry = [0x40, 1, 0x61, 0x7f, ...[0xd1, 0x0e], ...new Array(2000).fill(0x62)];
  const bomb = decoder.decode(Uint8Array.from([...entry, ...new Array(10_000).fill(0xbe)]));
  assertEquals(bomb.isTooLarge, true);
  assert(bomb.fields.length <= 5);
  const { fields, isTooLarge } = decoder.decode(Uint8Array.from([0xbe]));
  assertEquals(isTooLarge, false);
  assertEquals(fields[0]?.[1].length, 2000);
});

Deno.test("random blocks are read or refused, and nothing else happens", () => {
  const random = seededRandom(7);
  for (let round = 0; round < 20_000; round++) {
    const block = Uint8Array.from({ length: Math.floor(random() * 40) }, () => Math.floor(random() * 256));
    try {
      new HpackDecoder(4096, 65_536).decode(block);
    } catch (error) {
      assert(error instanceof ConnectionError);
    }
  }
});
