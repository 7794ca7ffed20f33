import { assertEquals } from "@std/assert";
import { readCertificate } from "../../src/cli/listener_certificate.ts";
import { makeCertificates } from "../support/certificates.ts";

Deno.test("a listener's certificate is looked into before anything listens", async () => {
  const certificates = await makeCertificates();
  if (certificates === undefined) return;
  const { server: { certPem, keyPem }, client } = certificates;
  const block = (label: string, text: string) => `-----BEGIN ${label}-----\n${text}\n-----END ${label}-----\n`;
  const [cert, key] = ["tls-cert-file", "tls-key-file"];
  const cases: readonly (readonly [cert: string, key: string, ...mistakes: (readonly [string, string])[]])[] = [
    [certPem, keyPem],
    [certPem + certificates.caPem, keyPem],
    ["", keyPem, [cert!, "is no certificate in PEM"]],
    [block("CERTIFICATE", "AAAA"), keyPem, [cert!, "is no certificate in PEM"]],
    [certPem.slice(0, 200), keyPem, [cert!, "is no certificate in PEM"]],
    [certPem, block("PRIVATE KEY", "AAAA"), [key!, "is no private key in PEM without a password"]],
    [keyPem, certPem, [cert!, "is no certificate in PEM"], [key!, "is no private key in PEM without a password"]],
    [certPem, client.keyPem, [key!, "is not the key of the certificate"]],
    [certPem + block("CERTIFICATE", "!"), keyPem, [cert!, "can't be used for TLS with its key"]],
  ];
  const folder = await Deno.makeTempDir();
  const files = { certFile: `${folder}/cert.pem`, keyFile: `${folder}/key.pem` };
  const seen = () => {
    const read = readCertificate(files);
    return read.kind === "certificate" ? [] : read.mistakes.map(({ member, message }) => [member, message]);
  };
  const inFile = ([member, words]: readonly [string, string]) => [
    member,
    `${member === cert ? files.certFile : files.keyFile}: ${words}`,
  ];
  try {
    assertEquals(seen(), [[cert!, "can't be read"] as const, [key!, "can't be read"] as const].map(inFile));
    for (const [certText, keyText, ...mistakes] of cases) {
      await Deno.writeTextFile(files.certFile, certText);
      await Deno.writeTextFile(files.keyFile, keyText);
      assertEquals(seen(), mistakes.map(inFile));
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
