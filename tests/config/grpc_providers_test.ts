import { assertEquals } from "@std/assert";
import { type ProviderResolver, resolveProviders } from "../../src/config/resolve_providers.ts";
import type { NodeUrlConfig } from "../../src/config/relay_config.ts";

const PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

/** The target of a URL, or where the mistakes are and what they say. */
function resolve(nodeUrl: NodeUrlConfig, isGrpc = true): string {
  const resolver: ProviderResolver = { providers: [], mistakes: [], serviceNames: new Set(), isGrpc };
  resolveProviders(resolver, [{ name: "a", nodeUrls: [nodeUrl] }], ["providers"], false);
  const [mistake] = resolver.mistakes;
  if (mistake !== undefined) return `${mistake.path.at(-1)}: ${mistake.message}`;
  return resolver.providers[0]!.nodeUrls[0]!.target;
}

const CASES: readonly (readonly [NodeUrlConfig, string])[] = [
  [{ url: "grpcs://node.example:9090" }, "grpcs://node.example:9090/"],
  [{ url: "node.example:9090" }, "grpcs://node.example:9090/"],
  [{ url: "grpc://node.example:9090", allowInsecure: true }, "grpc://node.example:9090/"],
  [{ url: "node.example:9090", allowInsecure: true }, "grpc://node.example:9090/"],
  [{ url: "[::1]:9090" }, "grpcs://[::1]:9090/"],
  [
    { url: "grpc://node.example:9090" },
    "url: has the scheme grpc:, which has no TLS; write grpcs: or set allow-insecure to true",
  ],
  [
    { url: "https://node.example" },
    "url: has the scheme https: and a grpc provider is reached by grpcs, or by grpc with allow-insecure",
  ],
  [{ url: "grpcs://" }, "url: is not a URL; write grpcs://host:port or host:port"],
  [{ url: "grpcs://n:1", tls: { certPem: PEM } }, "tls: cert-pem and key-pem go together"],
  [{ url: "grpcs://n:1", tls: { cacertPem: "/etc/ca" } }, "tls: cacert-pem is not PEM"],
  [{ url: "grpcs://n:1", tls: { cacertPem: PEM, certPem: PEM, keyPem: PEM } }, "grpcs://n:1/"],
];

for (const [nodeUrl, expected] of CASES) {
  Deno.test(`gRPC URL ${nodeUrl.url} ${Object.keys(nodeUrl).slice(1)}`, () => assertEquals(resolve(nodeUrl), expected));
}

Deno.test("TLS options are for URLs that have TLS", () => {
  assertEquals(resolve({ url: "https://n", tls: { cacertPem: PEM } }, false), "https://n/");
  for (const url of ["http://n", "wss://n"]) {
    const refused = resolve({ url, tls: { cacertPem: PEM } }, false);
    assertEquals(refused, "tls: TLS options are for https and grpcs URLs");
  }
});
