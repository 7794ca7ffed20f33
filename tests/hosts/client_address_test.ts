import { assertEquals } from "@std/assert";
import { compileRanges } from "../../src/config/ip_ranges.ts";
import { clientAddressOf } from "../../src/hosts/client_address.ts";

const { includes } = compileRanges(["10.0.0.0/8", "192.0.2.7", "fd00::/8"]);

/** Peer, `X-Forwarded-For`, and who the client is. */
const CASES: readonly (readonly [peer: string, forwarded: string | null, client: string])[] = [
  ["203.0.113.5", null, "203.0.113.5"],
  ["203.0.113.5", "198.51.100.1", "203.0.113.5"],
  ["10.1.2.3", null, "10.1.2.3"],
  ["10.1.2.3", "198.51.100.1", "198.51.100.1"],
  ["10.1.2.3", "1.1.1.1, 198.51.100.1", "198.51.100.1"],
  ["10.1.2.3", "1.1.1.1, 198.51.100.1 ,10.9.9.9", "198.51.100.1"],
  ["10.1.2.3", "10.4.4.4, 10.5.5.5", "10.4.4.4"],
  ["10.1.2.3", "198.51.100.1, unknown", "10.1.2.3"],
  ["10.1.2.3", "198.51.100.1, <script>", "10.1.2.3"],
  ["10.1.2.3", "", "10.1.2.3"],
  ["::ffff:10.1.2.3", "2001:db8::1", "2001:db8::1"],
  ["fd12::1", "2001:db8::1, fd00::5", "2001:db8::1"],
  ["192.0.2.8", "198.51.100.1", "192.0.2.8"],
];

for (const [peer, forwarded, client] of CASES) {
  Deno.test(`from ${peer}, forwarded for ${forwarded}: the client is ${client}`, () => {
    assertEquals(clientAddressOf(peer, forwarded, includes), client);
  });
}

Deno.test("ten thousand hops are not walked", () => {
  assertEquals(clientAddressOf("10.0.0.1", "10.0.0.2,".repeat(10_000) + "10.0.0.3", includes), "10.0.0.2");
});

/** Ranges, and addresses inside and outside. */
const RANGES: readonly (readonly [range: string, inside: readonly string[], outside: readonly string[]])[] = [
  ["10.0.0.0/8", ["10.0.0.0", "10.255.255.255", "::ffff:10.1.1.1"], ["11.0.0.0", "9.255.255.255", "::1", "x", ""]],
  ["192.168.1.128/25", ["192.168.1.128", "192.168.1.255"], ["192.168.1.127"]],
  ["1.2.3.4", ["1.2.3.4"], ["1.2.3.5", "1.2.3.4.5", "1.2.3", "01.2.3.4"]],
  ["0.0.0.0/0", ["8.8.8.8"], ["::8"]],
  ["2001:db8::/33", ["2001:db8::1", "2001:0db8:7fff::"], ["2001:db8:8000::", "2001:db9::"]],
  ["::1", ["::1", "0:0:0:0:0:0:0:1"], ["::2", "::"]],
  ["::ffff:1.2.3.4", ["1.2.3.4", "::ffff:102:304"], ["1.2.3.5"]],
];

for (const [range, inside, outside] of RANGES) {
  Deno.test(`range ${range}`, () => {
    const compiled = compileRanges([range]);
    assertEquals(compiled.invalid, []);
    assertEquals(inside.filter((address) => !compiled.includes(address)), []);
    assertEquals(outside.filter((address) => compiled.includes(address)), []);
  });
}

Deno.test("what is no range is told", () => {
  const texts = ["10.0.0.0/33", "10.0.0.256", "::/129", "1::2::3", "localhost", "10.0.0.0/", "10.0.0.0/8/8", ":::1"];
  assertEquals(compileRanges(texts).invalid, texts);
});
