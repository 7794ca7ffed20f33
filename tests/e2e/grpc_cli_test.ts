import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { stringify } from "yaml";
import { makeCertificates } from "../support/certificates.ts";
import { Side } from "../support/http2_streams.ts";
import { answerWith, GrpcClient, message, startGrpcNode, statusOf, statusTextOf } from "../support/grpc_wire.ts";
import { hasPythonGrpc, startPythonServer } from "../support/grpc/peers.ts";
import { startReceiver } from "../support/receiver.ts";
import { runCli, startRelay } from "../support/relay_process.ts";

const CHAIN = { "chain-id": "COSMOSHUB", "api-interface": "grpc" };

async function writeFile(folder: string, nodeUrl: Record<string, unknown>): Promise<string> {
  const path = `${folder}/relay.yml`;
  const content = {
    "endpoints": [{ ...CHAIN, "network-address": "127.0.0.1:0", "grpc-web-address": "127.0.0.1:0" }],
    "static-providers": [{ name: "node", ...CHAIN, "node-urls": [nodeUrl] }],
  };
  await Deno.writeTextFile(path, stringify(content));
  return path;
}

Deno.test("from the command line: mutual TLS with a node, events, health, and an orderly end", async () => {
  const certificates = await makeCertificates();
  if (certificates === undefined || !await hasPythonGrpc()) return;
  const folder = await Deno.makeTempDir();
  try {
    const files = { key: certificates.server.keyPem, cert: certificates.server.certPem, ca: certificates.caPem };
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${folder}/${name}`, text);
    await using server = await startPythonServer(["key", "cert", "ca"].map((name) => `${folder}/${name}`));
    const path = await writeFile(folder, {
      "url": `grpcs://127.0.0.1:${server.port}`,
      "auth-config": {
        "cacert-pem": certificates.caPem,
        "cert-pem": certificates.client.certPem,
        "key-pem": certificates.client.keyPem,
      },
    });
    await using receiver = startReceiver();
    await using relay = await startRelay([path, "--usage-otel-enabled", `--usage-otel-endpoint=${receiver.url}`]);
    const { port } = new URL(relay.urls[0]!);
    await using client = await GrpcClient.connect(Number(port));

    const echo = await client.call("/test.Peer/Echo", "hello", [["project-id", "acme"]]);
    assertEquals([statusOf(echo), echo.text().slice(5)], ["0", "hello"]);
    const refused = await client.call("/test.Peer/Status", "9:not now");
    assertEquals([statusOf(refused), statusTextOf(refused)], ["9", "not now"]);
    const bomb = await client.call("/test.Peer/Echo", "x", [["x-large", "v".repeat(70_000)]]);
    assertEquals(statusOf(bomb), "8");

    const web = relay.log.find(({ message }) => message === "relay is listening for gRPC-Web");
    const page = await fetch(`http://${web?.["address"]}/test.Peer/Echo`, {
      method: "POST",
      headers: { "content-type": "application/grpc-web+proto", "project-id": "page" },
      body: message("from a page") as Uint8Array<ArrayBuffer>,
    });
    assertStringIncludes(await page.text(), "from a page");

    const health = new Side();
    const get = [[":method", "GET"], [":scheme", "http"], [":path", "/lava/health"], [":authority", "x"]] as const;
    health.stream = client.client.request(get, true, health);
    await health.over.promise;
    assertEquals([health.head?.[0]?.[1], health.text()], ["200", "Health status OK"]);
    const long = client.open("/test.Peer/Chat");
    await long.headed.promise;
    relay.kill("SIGTERM");
    await client.client.ending;
    long.stream.sendData(new Uint8Array(), true);
    await long.over.promise;
    assertEquals(statusOf(long), "0");
    assertEquals(await relay.exited, 0);
    const ledger = relay.log.find(({ message }) => message === "stopped; final ledger");
    assertEquals([ledger?.["relay_usage_accepted"], ledger?.["relay_usage_exported"]], [4, 4]);
    assertEquals(
      receiver.records.map((
        { attributes: { project, api_method, cu, success } },
      ) => [project, api_method, cu, success]),
      [
        ["acme", "Default-test.Peer/Echo", 20, true],
        ["DefaultDappID", "Default-test.Peer/Status", 20, false],
        ["page", "Default-test.Peer/Echo", 20, true],
        ["DefaultDappID", "Default-test.Peer/Chat", 20, true],
      ],
    );
    assert(relay.log.every((line) => !JSON.stringify(line).includes(String(server.port))), "no upstream in the log");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("without a file", async () => {
  await using node = await startGrpcNode((side) => void side.bodyEnded.promise.then(() => answerWith(side, "pong")));
  const triple = ["127.0.0.1:0", "COSMOSHUB", "grpc", `--upstream=grpc://127.0.0.1:${node.port}`];
  const { code, err } = await runCli("rpcsmartrouter", ...triple);
  assertEquals(code, 2);
  assertStringIncludes(err, "--upstream: has the scheme grpc:, which has no TLS");
  for (const http2 of ["frames", "node"]) {
    await using relay = await startRelay([...triple, "--grpc-allow-insecure", `--grpc-http2=${http2}`]);
    await using client = await GrpcClient.connect(Number(new URL(relay.urls[0]!).port));
    assertEquals(statusOf(await client.call("/cosmos.bank.v1beta1.Query/Balance")), "0");
  }
});

Deno.test("a node without TLS has to be allowed, and every mistake is told", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = await writeFile(folder, {
      "url": "grpc://127.0.0.1:9090",
      "auth-config": { "cert-pem": "/etc/cert" },
      "grpc-config": { "descriptor-source": "reflection", "insecure": true },
    });
    const { code, err } = await runCli("rpcsmartrouter", path);
    assertEquals(code, 2);
    assertStringIncludes(err, "has the scheme grpc:, which has no TLS; write grpcs: or set allow-insecure to true");
    assertStringIncludes(err, "cert-pem and key-pem go together");
    assertStringIncludes(err, 'unknown member "insecure"');
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
