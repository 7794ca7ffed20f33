import grpc from "@grpc/grpc-js";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { systemClock } from "../../src/domain/clock.ts";
import { createDenoWire } from "../../src/http2/deno_wire.ts";
import { makeCertificates } from "../support/certificates.ts";
import { answerWith, message, startGrpcNode } from "../support/grpc_wire.ts";
import { startRelay } from "../support/relay_process.ts";

/** A unary call by grpc-js: the answer, or the name of its status. */
function call(client: grpc.Client, body: string): Promise<string> {
  const pass = (bytes: Uint8Array) => Buffer.from(bytes);
  return new Promise((resolve) => {
    const deadline = Date.now() + 10_000;
    const method = "/cosmos.bank.v1beta1.Query/Balance";
    client.makeUnaryRequest(
      method,
      pass,
      pass,
      Buffer.from(body),
      new grpc.Metadata(),
      { deadline },
      (error, answer) => {
        resolve(error === null ? String(answer) : grpc.status[error.code]!);
      },
    );
  });
}

for (const http2 of ["frames", "node"]) {
  Deno.test(`a gRPC endpoint with a certificate speaks TLS, and so does its gRPC-Web (${http2})`, async () => {
    const certificates = await makeCertificates();
    if (certificates === undefined) return;
    const folder = await Deno.makeTempDir();
    await Deno.writeTextFile(`${folder}/cert.pem`, certificates.server.certPem);
    await Deno.writeTextFile(`${folder}/key.pem`, certificates.server.keyPem);
    await using node = await startGrpcNode((side) => void side.bodyEnded.promise.then(() => answerWith(side, "pong")));
    const chain = { "chain-id": "COSMOSHUB", "api-interface": "grpc" };
    const path = `${folder}/relay.yml`;
    await Deno.writeTextFile(
      path,
      JSON.stringify({
        "endpoints": [{
          ...chain,
          "network-address": "127.0.0.1:0",
          "grpc-web-address": "127.0.0.1:0",
          "tls-enabled": true,
          "tls-cert-file": `${folder}/cert.pem`,
          "tls-key-file": `${folder}/key.pem`,
        }],
        "static-providers": [{
          ...chain,
          "name": "node",
          "node-urls": [{
            "url": `grpc://127.0.0.1:${node.port}`,
            "grpc-config": { "allow-insecure": true },
            "skip-verifications": ["*"],
          }],
        }],
      }),
    );
    try {
      await using relay = await startRelay([path, `--grpc-http2=${http2}`]);
      const address = `localhost:${new URL(relay.urls[0]!).port}`;
      const trusting = new grpc.Client(address, grpc.credentials.createSsl(Buffer.from(certificates.caPem)));
      assertEquals(await call(trusting, "ping"), "pong");
      const { connect } = createDenoWire(systemClock);
      const at = { hostname: "127.0.0.1", port: Number(new URL(relay.urls[0]!).port) };
      const doubting = await connect({ ...at, tls: {} });
      assertEquals(doubting, { kind: "failure", reason: "TLS could not be established" });
      const plain = await connect(at);
      assertEquals(plain.kind, "failure");
      assertEquals(await call(trusting, "ping"), "pong");
      trusting.close();

      const web = relay.log.find(({ message }) => message === "relay is listening for gRPC-Web");
      using client = Deno.createHttpClient({ caCerts: [certificates.caPem] });
      const answer = await fetch(`https://${web?.["address"]}/cosmos.bank.v1beta1.Query/Balance`, {
        method: "POST",
        headers: { "content-type": "application/grpc-web+proto" },
        body: message("ping") as Uint8Array<ArrayBuffer>,
        client,
      });
      assertStringIncludes(await answer.text(), "pong");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
