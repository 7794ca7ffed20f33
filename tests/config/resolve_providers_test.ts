import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { describeMistake } from "../../src/config/mistake.ts";
import type { NodeUrlConfig, ProviderConfig } from "../../src/config/relay_config.ts";
import { type ProviderResolver, resolveProviders } from "../../src/config/resolve_providers.ts";
import type { NodeUrl } from "../../src/providers/provider.ts";

function resolve(primaries: readonly ProviderConfig[], backups: readonly ProviderConfig[] = []): ProviderResolver {
  const resolver = { providers: [], mistakes: [], serviceNames: new Set(["archive", "debug", "trace"]) };
  resolveProviders(resolver, primaries, ["providers"], false);
  resolveProviders(resolver, backups, ["backupProviders"], true);
  return resolver;
}

function nodeUrlOf(config: NodeUrlConfig): NodeUrl {
  const { providers, mistakes } = resolve([{ name: "a", nodeUrls: [config] }]);
  assertEquals(mistakes.map(describeMistake), []);
  return providers[0]!.nodeUrls[0]!;
}

function mistakesOf(config: NodeUrlConfig): readonly string[] {
  return resolve([{ name: "a", nodeUrls: [config] }]).mistakes.map(describeMistake);
}

/** A URL as configured, and as it is asked. */
const TARGETS: readonly (readonly [string, string])[] = [
  ["https://node.example", "https://node.example/"],
  ["http://node.example:8545/v2/key?x=1", "http://node.example:8545/v2/key?x=1"],
  ["HTTPS://Node.Example/Path", "https://node.example/Path"],
  ["node.example:8545", "https://node.example:8545/"],
  ["127.0.0.1:8545/path", "https://127.0.0.1:8545/path"],
  ["localhost:8545", "https://localhost:8545/"],
  ["[::1]:8545", "https://[::1]:8545/"],
];

for (const [url, target] of TARGETS) {
  Deno.test(`node URL ${url} is asked at ${target}`, () => assertEquals(nodeUrlOf({ url }).target, target));
}

Deno.test("a node URL without options adds nothing", () => {
  const { headers, extraTimeoutMs, addOns, methods, forwardsAddress } = nodeUrlOf({ url: "https://node.example" });
  assertEquals([...headers], []);
  assertEquals([extraTimeoutMs, [...addOns], methods, forwardsAddress], [0, [], undefined, false]);
});

Deno.test("an empty list of methods is no restriction, a filled one is", () => {
  assertEquals(nodeUrlOf({ url: "https://node.example", methods: [] }).methods, undefined);
  assertEquals([...nodeUrlOf({ url: "https://node.example", methods: ["a"] }).methods ?? []], ["a"]);
});

/** Credentials in a URL, and the text that Basic authentication makes of them. */
const CREDENTIALS: readonly (readonly [string, string])[] = [
  ["https://user:secret@node.example/x", "user:secret"],
  ["user:secret@node.example:8545", "user:secret"],
  ["https://user@node.example", "user:"],
  ["https://:secret@node.example", ":secret"],
  ["https://us%40er:p%3Ass%25@node.example", "us@er:p:ss%"],
  ["https://user:caf%C3%A9@node.example", "user:café"],
  ["https://user:100%@node.example", "user:100%"],
];

for (const [url, text] of CREDENTIALS) {
  Deno.test(`credentials of ${url} leave the URL and become Basic authentication`, () => {
    const { target, headers } = nodeUrlOf({ url });
    assert(!target.includes("@"), target);
    assertEquals(headers.length, 1);
    const [name, value] = headers[0]!;
    assertEquals(name.toLowerCase(), "authorization");
    const [scheme, encoded = ""] = value.split(" ");
    assertEquals(scheme, "Basic");
    assertEquals(new TextDecoder().decode(Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0))), text);
  });
}

/** A URL, the query that authenticates, and the URL with both. */
const QUERIES: readonly (readonly [string, string, string])[] = [
  ["https://node.example/x", "apikey=a%20b", "https://node.example/x?apikey=a%20b"],
  ["https://node.example/x?net=1", "apikey=a", "https://node.example/x?net=1&apikey=a"],
  ["https://node.example/x?", "apikey=a", "https://node.example/x?apikey=a"],
  ["https://node.example/x", "?apikey=a", "https://node.example/x?apikey=a"],
  ["https://node.example/x?net=1", "?apikey=a", "https://node.example/x?net=1&apikey=a"],
  ["https://node.example/x", "", "https://node.example/x"],
];

for (const [url, authQuery, target] of QUERIES) {
  Deno.test(`${url} with the query "${authQuery}" is asked at ${target}`, () => {
    assertEquals(nodeUrlOf({ url, authQuery }).target, target);
  });
}

Deno.test("headers that authenticate are sent as configured", () => {
  const { headers } = nodeUrlOf({ url: "https://node.example", authHeaders: { "x-a": "1", "X-B": "two words" } });
  assertEquals(new Headers(headers.map(([name, value]): [string, string] => [name, value])).get("x-b"), "two words");
  assertEquals(headers.length, 2);
});

Deno.test("a configured Authorization replaces the one from the URL; a node can't read two", () => {
  const { headers } = nodeUrlOf({ url: "https://u:p@node.example", authHeaders: { Authorization: "Bearer x" } });
  assertEquals(headers.filter(([name]) => name.toLowerCase() === "authorization").map(([, value]) => value), [
    "Bearer x",
  ]);
});

/** A node URL that can't be used, and where the mistake is. */
const BAD: readonly (readonly [string, NodeUrlConfig, string])[] = [
  ["an FTP URL", { url: "ftp://K3Y@node.example" }, "url"],
  ["a gRPC URL", { url: "grpc://node.example:9090" }, "url"],
  ["no host", { url: "https://" }, "url"],
  ["no text", { url: "" }, "url"],
  ["a bad port", { url: "https://K3Y.example:99999" }, "url"],
  ["spaces", { url: "node example K3Y" }, "url"],
  ["a scheme without slashes", { url: "http:/node.example/K3Y" }, "url"],
  ["an unknown add-on", { url: "https://K3Y.example", addons: ["debug", "archiv"] }, "addons"],
  [
    "a header name that HTTP does not allow",
    { url: "https://a.example", authHeaders: { "x y": "K3Y" } },
    "authHeaders",
  ],
  ["a header with a line break", { url: "https://a.example", authHeaders: { x: "K3Y\r\ny: z" } }, "authHeaders"],
  ["a header that is not Latin", { url: "https://a.example", authHeaders: { x: "K3Y\u4e2d" } }, "authHeaders"],
];

for (const [what, config, member] of BAD) {
  Deno.test(`a node URL with ${what} is one mistake at its place, which quotes no key`, () => {
    const mistakes = mistakesOf(config);
    assertEquals(mistakes.length, 1, mistakes.join("\n"));
    assertStringIncludes(mistakes[0]!, `providers[0].nodeUrls[0].${member}`);
    assert(!mistakes[0]!.includes("K3Y"), mistakes[0]!);
  });
}

Deno.test("a provider with websocket URLs alone can't answer calls, one with both can", () => {
  const [mistake = ""] = mistakesOf({ url: "wss://node.example" });
  assertStringIncludes(mistake, "http");
  const nodeUrls = [{ url: "wss://node.example" }, { url: "https://node.example" }];
  const { providers, mistakes } = resolve([{ name: "a", nodeUrls }]);
  assertEquals(mistakes.map(describeMistake), []);
  assertEquals(providers[0]!.nodeUrls.map(({ target }) => target), ["https://node.example/"]);
});

Deno.test("a provider without any URL is a mistake", () => {
  assertEquals(resolve([{ name: "a", nodeUrls: [] }]).mistakes.length, 1);
});

Deno.test("names are unique among primaries and backups, and printable", () => {
  const of = (name: string) => ({ name, nodeUrls: [{ url: "https://node.example" }] });
  assertEquals(resolve([of("a"), of("b"), of("a")]).mistakes.map(({ path }) => path), [["providers", 2, "name"]]);
  assertEquals(resolve([of("a")], [of("a")]).mistakes.map(({ path }) => path), [["backupProviders", 0, "name"]]);
  for (const name of ["", " a", "a ", "a,b", "a\n", "é", "a".repeat(129)]) {
    assertEquals(resolve([of(name)]).mistakes.length, 1, JSON.stringify(name));
  }
  for (const name of ["a b", "a".repeat(128), "x/y:z"]) assertEquals(resolve([of(name)]).mistakes.length, 0, name);
});

Deno.test("backups are marked as such", () => {
  const of = (name: string) => ({ name, nodeUrls: [{ url: "https://node.example" }] });
  assertEquals(resolve([of("a")], [of("b")]).providers.map(({ name, isBackup }) => [name, isBackup]), [
    ["a", false],
    ["b", true],
  ]);
});
