import { createPrivateKey, X509Certificate } from "node:crypto";
import type { EndpointTls, TlsMistake } from "../config/file_content.ts";
import type { ListenerTls } from "../hosts/deno.ts";

/** A listener's certificate and key, or what is wrong with their files. */
export type CertificateResult =
  | { readonly kind: "certificate"; readonly certificate: ListenerTls }
  | { readonly kind: "mistakes"; readonly mistakes: readonly TlsMistake[] };

/** Reads the files of a listener's certificate and makes sure that TLS can be spoken with them. */
export function readCertificate({ certFile, keyFile }: EndpointTls): CertificateResult {
  const mistakes: TlsMistake[] = [];
  const wrong = (member: TlsMistake["member"], message: string) => {
    mistakes.push({ member, message });
    return undefined;
  };
  const [cert, key] = [readPem(certFile), readPem(keyFile)];
  const certificate = cert === undefined
    ? wrong("tls-cert-file", `${certFile}: can't be read`)
    : tried(() => new X509Certificate(cert)) ?? wrong("tls-cert-file", `${certFile}: is no certificate in PEM`);
  const privateKey = key === undefined
    ? wrong("tls-key-file", `${keyFile}: can't be read`)
    : tried(() => createPrivateKey(key)) ??
      wrong("tls-key-file", `${keyFile}: is no private key in PEM without a password`);
  if (cert === undefined || key === undefined || certificate === undefined || privateKey === undefined) {
    return { kind: "mistakes", mistakes };
  }
  if (!certificate.checkPrivateKey(privateKey)) {
    wrong("tls-key-file", `${keyFile}: is not the key of the certificate`);
  } else if (!canListen({ cert, key })) {
    // The rest of the chain, or a kind of key that the platform does not take.
    wrong("tls-cert-file", `${certFile}: can't be used for TLS with its key`);
  }
  return mistakes.length > 0 ? { kind: "mistakes", mistakes } : { kind: "certificate", certificate: { cert, key } };
}

function readPem(file: string): string | undefined {
  return tried(() => Deno.readTextFileSync(file));
}

function canListen(certificate: ListenerTls): boolean {
  const listener = tried(() => Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...certificate }));
  listener?.close();
  return listener !== undefined;
}

/** What a function gives; undefined when it throws: a parser's own words may quote what it read. */
function tried<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
