import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { readConfigFile } from "../../src/config/config_file.ts";
import { describeMistake } from "../../src/config/mistake.ts";
import { change, GOOD, mistakesIn } from "../support/config_text.ts";

Deno.test("a good file becomes endpoints with their providers", () => {
  const { endpoints, mistakes } = readConfigFile(GOOD);
  assertEquals(mistakes.map(describeMistake), []);
  const [{ address, relay } = endpoints[0]!] = endpoints;
  assertEquals(address, { hostname: "127.0.0.1", port: 3333 });
  assertEquals(relay.providers.map(({ name }) => name), ["primary"]);
  assertEquals(relay.backupProviders?.map(({ name }) => name), ["spare"]);
  assertEquals(relay.providers[0]!.nodeUrls[0], {
    url: "https://node.example/v2/K3Y",
    internalPath: "",
    addons: ["debug"],
    timeoutMs: 90_000,
    ipForwarding: true,
    methods: ["eth_chainId"],
    skipVerifications: [],
    authHeaders: { "x-key": "K3Y" },
    authQuery: "key=K3Y",
  });
});

Deno.test("a good file may be JSON, under the aliases, however it is indented", () => {
  const provider = (name: string) => ({
    "name": name,
    "chain-id": "ETH1",
    "api-interface": "jsonrpc",
    "node-urls": [{ url: "https://node.example" }],
  });
  const file = {
    "endpoints": [{ "chain-id": "ETH1", "api-interface": "jsonrpc", "network-address": "[::1]:3333" }],
    "direct-rpc": [provider("primary")],
    "backup-direct-rpc": [provider("spare")],
  };
  for (const indent of [0, 2, "\t"]) {
    const { endpoints, mistakes } = readConfigFile(JSON.stringify(file, null, indent));
    assertEquals(mistakes.map(describeMistake), []);
    assertEquals(endpoints[0]?.address, { hostname: "::1", port: 3333 });
    assertEquals(endpoints[0]?.relay.providers.map(({ name }) => name), ["primary"]);
    assertEquals(endpoints[0]?.relay.backupProviders?.map(({ name }) => name), ["spare"]);
  }
});

Deno.test("line ends and byte order mark of other systems make no difference", () => {
  for (const text of [GOOD.replaceAll("\n", "\r\n"), `\ufeff${GOOD}`]) assertEquals(mistakesIn(text), []);
});

/** What is wrong, the file, and for each expected mistake the words that it must have: line, path, value, remedy. */
const BAD: readonly (readonly [string, string, ...(readonly string[])[]])[] = [
  ["not YAML", "endpoints: [\n  {a: b", ["line 2"]],
  ["a tab as indentation", "endpoints:\n\t- chain-id: ETH1\n", ["line 2", "tabs"]],
  ["a duplicate member", `${GOOD}endpoints: []\n`, ["line 21", "unique"]],
  ["an unknown member at the top", `${GOOD}static-provider: []\n`, [
    "line 21",
    '"static-provider"',
    "static-providers?",
  ]],
  ["an unknown member of an endpoint", change("    network", "    tls: true\n    network"), ["endpoints[0]", '"tls"']],
  ["an unknown member of a URL", change("- url: https", "- uri: https"), ["node-urls[0]", "did you mean url?"], [
    "node-urls[0].url",
    "is missing",
  ]],
  ["an unknown member after others", change("ip-forwarding", "ip-forward"), [
    "line 13",
    "node-urls[0]",
    "did you mean ip-forwarding?",
  ]],
  ["the same name twice", change("name: spare", "name: primary"), ["line 17", "backup-providers[0].name", '"primary"']],
  ["a provider without URL", change('[{ url: "node.example:8545" }]', "[]"), [
    "line 20",
    "backup-providers[0].node-urls",
  ]],
  [
    "an endpoint without provider",
    change(
      "chain-id: ETH1\n    api-interface: jsonrpc\n    node-urls:\n",
      "chain-id: SEP1\n    api-interface: jsonrpc\n    node-urls:\n",
    ),
    [
      "line 2",
      "endpoints[0]",
      "ETH1 jsonrpc",
    ],
  ],
  ["a bad scheme", change("https://node", "ftp://node"), [
    "line 10",
    "static-providers[0].node-urls[0].url",
    "ftp:",
    "http",
  ]],
  ["a URL that is none", change("https://node.example/v2/K3Y", '"no url"'), [
    "line 10",
    "node-urls[0].url",
    "host:port",
  ]],
  ["a scheme without slashes", change("https://node.example/v2/K3Y", "http:/node.example"), [
    "line 10",
    "node-urls[0].url",
  ]],
  ["an unknown add-on", change("[debug]", "[debgu]"), ["line 11", "addons", '"debgu"', "did you mean debug?"]],
  ["add-ons that are no list", change("[debug]", "debug"), ["line 11", "addons", '"debug"']],
  ["a duration without unit", change("1m30s", "5"), ["line 12", "node-urls[0].timeout", "5"]],
  ["a negative duration", change("1m30s", "-5s"), ["line 12", "node-urls[0].timeout", '"-5s"', "500ms"]],
  ["an address without port", change("127.0.0.1:3333", "127.0.0.1"), ["line 4", "network-address", "host:port"]],
  ["an address without host", change("127.0.0.1:3333", ":3333"), ["line 4", "network-address", '":3333"', "host:port"]],
  ["a port out of range", change("127.0.0.1:3333", "127.0.0.1:65536"), ["line 4", "network-address", "65535"]],
  [
    "the same port twice",
    change(
      "endpoints:\n",
      "endpoints:\n  - {chain-id: ETH1, api-interface: jsonrpc, network-address: 'localhost:3333'}\n",
    ),
    [
      "line 5",
      "endpoints[1].network-address",
      "3333",
    ],
  ],
  ["an unknown chain", GOOD.replaceAll("ETH1", "ETH"), [
    "line 2",
    "endpoints[0].chain-id",
    '"ETH"',
    "did you mean ETH1?",
  ]],
  ["an interface that is not served", GOOD.replaceAll("jsonrpc", "rest"), [
    "line 3",
    "endpoints[0].api-interface",
    "rest",
  ]],
  ["an interface that is none", change("jsonrpc", "json-rpc"), ["line 3", "endpoints[0].api-interface", "jsonrpc"]],
  ["a health path without slash", change("    network", "    health-check-path: lava\n    network"), [
    "line 4",
    "health-check-path",
    "/",
  ]],
  ["a name with a comma", change("name: spare", "name: a,b"), ["line 17", "backup-providers[0].name", "comma"]],
  ["no providers", GOOD.slice(0, GOOD.indexOf("static-providers")), ["static-providers", "at least one provider"]],
  ["no endpoints", GOOD.slice(GOOD.indexOf("static-providers")), ["endpoints", "is missing"]],
  [
    "TLS on a listener without a certificate",
    change("    network", "    tls-enabled: true\n    network"),
    ["endpoints[0].tls-cert-file", "missing"],
    ["endpoints[0].tls-key-file", "missing"],
  ],
  ["a path that is none", change("    network", "    path: eth1/\n    network"), [
    "endpoints[0].path",
    "/eth1/jsonrpc",
  ]],
  [
    "two endpoints at one path",
    change(
      "endpoints:\n",
      "endpoints:\n" +
        ["/a", "/B", "/b"].map((path) =>
          `  - {chain-id: ETH1, api-interface: jsonrpc, network-address: '127.0.0.1:4444', path: ${path}}\n`
        ).join(""),
    ),
    ["endpoints[2].network-address", "at the path /b"],
  ],
  ["a certificate without TLS", change("    network", "    tls-cert-file: a.pem\n    network"), [
    "tls-enabled",
    "true",
  ]],
];

for (const [what, text, ...expected] of BAD) {
  Deno.test(`a file with ${what} is refused, saying where and why`, () => {
    const found = mistakesIn(text);
    for (const words of expected) {
      const has = found.some((mistake) => words.every((word) => mistake.includes(word)));
      assert(has, `none of ${JSON.stringify(found)} says ${JSON.stringify(words)}`);
    }
  });
}

Deno.test("what is no object at the top is one mistake that says so, and not about members", () => {
  for (const text of ["", "null", "- a\n- b", "hello", "42", "# only a comment\n"]) {
    const found = mistakesIn(text).join("\n");
    assert(found !== "", `${JSON.stringify(text)} was taken`);
    assert(!found.includes('"0"'), found);
  }
});

Deno.test("anchors may be kept under x-, used as often as wanted, and merged", () => {
  const text = GOOD.replace("endpoints:", "x-chain: &eth { chain-id: ETH1, api-interface: jsonrpc }\nendpoints:")
    .replace("  - chain-id: ETH1\n    api-interface: jsonrpc\n    network", "  - <<: *eth\n    network")
    .replace("name: spare\n    chain-id: ETH1\n    api-interface: jsonrpc", "name: spare\n    <<: *eth");
  assert(!text.includes("name: spare\n    chain-id"));
  const { endpoints, mistakes } = readConfigFile(text);
  assertEquals(mistakes.map(describeMistake), []);
  assertEquals(endpoints[0]?.relay.backupProviders?.map(({ name }) => name), ["spare"]);
  assertStringIncludes(mistakesIn(text.replace("ETH1", "ETH2")).join(), "line 1, endpoints[0].chain-id: unknown chain");
});

Deno.test("files that want to be large in memory are refused", () => {
  const bomb = ["a: &a [x,x,x,x,x,x,x,x,x,x]"];
  for (const [name, of] of ["ba", "cb", "dc", "ed", "fe", "gf", "hg"]) {
    bomb.push(`${name}: &${name} [${Array(10).fill(`*${of}`).join(",")}]`);
  }
  assertStringIncludes(mistakesIn(bomb.join("\n")).join(), "aliases");
  assertStringIncludes(mistakesIn(`${GOOD}#${"x".repeat(11 * 1024 * 1024)}\n`).join(), "10 MiB");
});

Deno.test("an alias that refers to itself is a mistake of the file", () => {
  assertStringIncludes(
    mistakesIn(`${GOOD}more: &more\n  inner: *more\n`).join(),
    "an alias inside of what it refers to",
  );
});

Deno.test("names that every object has are no members, at the top and below", () => {
  for (const name of ["__proto__", "constructor", "prototype"]) {
    assertStringIncludes(mistakesIn(`${GOOD}${name}: {}\n`).join(), `line 21, ${name}: unknown member`);
    assertStringIncludes(mistakesIn(change("x-key: K3Y", `${name}: K3Y`)).join(), `unknown member "${name}"`);
  }
});

Deno.test("an alias without anchor is called that, at its line", () => {
  const [mistake = ""] = mistakesIn(change("127.0.0.1:3333", "*nowhere"));
  assertStringIncludes(mistake, "line 4");
  assert(!mistake.includes("more aliases"), mistake);
});

Deno.test("a file that nests too deep is refused in a line or two, without the parser's own troubles", () => {
  const found = mistakesIn(`a: ${"[".repeat(5_000)}${"]".repeat(5_000)}`);
  assert(found.length > 0 && found.length <= 3, `${found.length} mistakes`);
  assert(!found.join().includes("call stack"), found[0]!);
});

Deno.test("all mistakes of a file come at once, each with its line and path", () => {
  const text = GOOD
    .replace("127.0.0.1:3333", "localhost").replace("https://", "ftp://").replace("[debug]", "[debgu]")
    .replace("1m30s", "soon").replace("name: spare", "name: primary").replace(
      "ip-forwarding: true",
      "ip-forward: true",
    );
  const found = mistakesIn(text);
  for (
    const where of [
      "line 4, endpoints[0].network-address",
      "line 10, static-providers[0].node-urls[0].url",
      "line 11, static-providers[0].node-urls[0].addons",
      "line 12, static-providers[0].node-urls[0].timeout",
      "line 13, static-providers[0].node-urls[0].ip-forward: unknown member",
      "line 17, backup-providers[0].name",
    ]
  ) {
    assert(found.some((mistake) => mistake.includes(where)), `${where} is not in ${JSON.stringify(found)}`);
  }
});

Deno.test("a mistake in an endpoint does not hide those of its providers", () => {
  const text = change("https://node", "ftp://node", change("chain-id: ETH1", "chain-id: ETH"));
  const found = mistakesIn(text).join("\n");
  assertStringIncludes(found, "endpoints[0].chain-id");
  assertStringIncludes(found, "static-providers[0].node-urls[0].url");
});

Deno.test("a provider that no endpoint uses is checked as well", () => {
  const other = "  - {name: x, chain-id: SEP1, api-interface: jsonrpc, node-urls: [{url: 'ftp://x'}]}\n";
  assertStringIncludes(mistakesIn(GOOD + other).join(), "backup-providers[1].node-urls[0].url");
});

Deno.test("an unknown chain does not make known add-ons unknown", () => {
  assert(!mistakesIn(GOOD.replaceAll("ETH1", "ETH")).join().includes("add-on"));
});
