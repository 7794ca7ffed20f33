import { assertEquals } from "@std/assert";
import { describe, sendTo } from "../support/http1_transports.ts";
import { nodeUrlOf } from "../support/node_url.ts";
import { makeCertificates } from "../support/signed_certificates.ts";
import { askOverTls } from "../support/tls_cutter.ts";
import { TLS_TRANSPORTS } from "../support/tls_transports.ts";

for (const [name, create] of Object.entries(TLS_TRANSPORTS)) {
  Deno.test(`${name}: an answer over TLS that somebody cuts off is not taken for a short one`, async () => {
    await using certificates = await makeCertificates();
    if (certificates === undefined) return;
    const { caPem } = certificates;
    const { certPem: cert, keyPem: key } = await certificates.pair("good");
    const HEAD = "HTTP/1.1 200 OK\r\n";
    const whole = "200 0123456789";
    const cases: [parts: [string, string], isCut: boolean, expected: string][] = [
      [[`${HEAD}Content-Length: 10\r\n\r\n01234`, "56789"], false, whole],
      [[`${HEAD}Content-Length: 10\r\n\r\n01234`, "56789"], true, "upstream_disconnected"],
      [[`${HEAD}\r\n01234`, "56789"], false, whole],
      [[`${HEAD}\r\n01234`, "56789"], true, "upstream_disconnected"],
    ];
    for (const [parts, isCut, expected] of cases) {
      const { transport, hasOwnTls, end } = create(caPem);
      const outcome = await askOverTls(parts, isCut, { cert, key }, async (port) => {
        const tls = hasOwnTls ? { caPem } : undefined;
        return describe(await sendTo(transport, nodeUrlOf(`https://127.0.0.1:${port}/`, { tls })));
      });
      end();
      assertEquals(outcome, expected, `${parts[0]} ${isCut}`);
    }
  });
}
