/** Configuration files of the ecosystem's shapes, as its router is started with them. */
import { assertEquals } from "@std/assert";
import { startRelay } from "../support/relay_process.ts";

/** What a file shows, the file, the listeners that it makes, and the flags of its start script. */
const FILES: readonly (readonly [string, string, number, readonly string[]])[] = [
  [
    "one chain on three interfaces, primaries and nameless backups, verifications spared",
    `endpoints:
    - chain-id: LAVA
      api-interface: rest
      network-address: 127.0.0.1:0
    - chain-id: LAVA
      api-interface: tendermintrpc
      network-address: 127.0.0.1:0
    - chain-id: LAVA
      api-interface: grpc
      network-address: 127.0.0.1:0
static-providers:
  - name: first-tendermintrpc
    api-interface: tendermintrpc
    chain-id: LAVA
    node-urls:
      - url: 127.0.0.1:1
        skip-verifications: [chain-id, minimum-gas-price, tx-indexing, node-info]
  - name: first-grpc
    api-interface: grpc
    chain-id: LAVA
    node-urls:
      - url: 127.0.0.1:1
        skip-verifications: [chain-id, minimum-gas-price, tx-indexing, node-info]
  - name: first-rest
    api-interface: rest
    chain-id: LAVA
    node-urls:
      - url: 127.0.0.1:1

backup-providers:
  - api-interface: tendermintrpc
    chain-id: LAVA
    node-urls:
      - url: 127.0.0.1:1
  - api-interface: grpc
    chain-id: LAVA
    node-urls:
      - url: 127.0.0.1:1
  - api-interface: rest
    chain-id: LAVA
    node-urls:
      - url: 127.0.0.1:1
`,
    3,
    "--geolocation 1 --log_level debug --from user1 --chain-id lava --allow-insecure-provider-dialing".split(" "),
  ],
  [
    "add-ons as block lists, under the newer names, a flag at the end",
    `endpoints:
    - chain-id: ETH1
      api-interface: jsonrpc
      network-address: 127.0.0.1:0
direct-rpc:
  - name: first
    api-interface: jsonrpc
    chain-id: ETH1
    stake: 10
    node-urls:
      - url: http://127.0.0.1:1
        addons:
          - archive
      - url: ws://127.0.0.1:1/ws
  - name: second
    api-interface: jsonrpc
    chain-id: ETH1
    node-urls:
      - url: http://127.0.0.1:1
        addons:
          - debug
          - archive
backup-direct-rpc:
  - name: third
    api-interface: jsonrpc
    chain-id: ETH1
    node-urls:
      - url: https://127.0.0.1:1
        addons: ["archive", "debug", "trace"]
metrics-listen-address: "127.0.0.1:0"
`,
    1,
    "--geolocation 1 --cache-be 127.0.0.1:20100 --strategy latency --concurrent-providers 5 --debug-relays".split(" "),
  ],
  [
    "every member of a node URL",
    `endpoints:
  - chain-id: AVAX
    api-interface: jsonrpc
    network-address: 127.0.0.1:0
    tls-enabled: false
    health-check-path: /lava/health
static-providers:
  - name: node
    chain-id: AVAX
    api-interface: jsonrpc
    node-urls:
      - url: http://127.0.0.1:1/ext/bc/C/rpc
        addons: []
        internal-path: "/C/rpc"
        timeout: 0s
        ip-forwarding: false
        skip-verifications: ["*"]
        methods: []
        auth-config:
          auth-headers:
            authorization: Bearer x
          auth-query: auth=x
          use-tls: false
          allow-insecure: false
          cert-pem: ""
          key-pem: ""
          cacert-pem: ""
        grpc-config: { descriptor-source: reflection, allow-insecure: false }
      - url: http://127.0.0.1:1/ext/bc/C/rpc
        auth-config: { allow-insecure: true }
`,
    1,
    "--geolocation 2 --relays-health-interval 5m --limit-websocket-connection-idle-time 1200 --cors-credentials true"
      .split(" "),
  ],
  [
    "gRPC without TLS, allowed",
    `endpoints:
  - { chain-id: COSMOSHUB, api-interface: grpc, network-address: "127.0.0.1:0" }
static-providers:
  - name: node
    chain-id: COSMOSHUB
    api-interface: grpc
    node-urls:
      - url: grpc://127.0.0.1:1
        auth-config: { allow-insecure: true }
`,
    1,
    [],
  ],
];

for (const [what, text, listeners, flags] of FILES) {
  Deno.test(`a file with ${what} starts unchanged`, async () => {
    const path = await Deno.makeTempFile({ suffix: ".yml" });
    try {
      await Deno.writeTextFile(path, text);
      await using relay = await startRelay([path, ...flags], { listeners });
      relay.kill("SIGTERM");
      assertEquals(await relay.exited, 0, JSON.stringify(relay.log));
    } finally {
      await Deno.remove(path);
    }
  });
}
