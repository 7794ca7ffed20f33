/** An authority and what it has signed, as PEM texts and as files; undefined where there is no openssl. */
export interface Certificates extends AsyncDisposable {
  readonly folder: string;
  readonly caPem: string;
  /** The PEM texts of one of {@linkcode NAMES}. */
  pair(name: Name): Promise<{ readonly certPem: string; readonly keyPem: string }>;
}

/** `good` is for 127.0.0.1 and localhost, `other` for another host, `expired` for yesterday, `client` for the relay. */
export type Name = "good" | "other" | "expired" | "client";

const EXTENSIONS: Readonly<Record<Name, string>> = {
  good: "subjectAltName=IP:127.0.0.1,DNS:localhost",
  other: "subjectAltName=DNS:other.example",
  expired: "subjectAltName=IP:127.0.0.1,DNS:localhost",
  client: "extendedKeyUsage=clientAuth",
};

/** Makes them anew. */
export async function makeCertificates(): Promise<Certificates | undefined> {
  const folder = await Deno.makeTempDir();
  const run = async (...args: string[]) => {
    const { success, stderr } = await new Deno.Command("openssl", { args, cwd: folder, stdout: "null" }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  try {
    await run(
      "req",
      "-x509",
      ...key,
      "-keyout",
      "ca.key",
      "-out",
      "ca.pem",
      "-days",
      "2",
      "-subj",
      "/CN=test authority",
    );
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    await Deno.remove(folder, { recursive: true });
    // deno-lint-ignore no-console -- what is skipped is said aloud
    console.log("skipped: TLS with certificates, because there is no openssl");
    return undefined;
  }
  for (const [name, extensions] of Object.entries(EXTENSIONS)) {
    await Deno.writeTextFile(`${folder}/${name}.ext`, `basicConstraints=CA:FALSE\n${extensions}\n`);
    await run("req", ...key, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
    const days = name === "expired" ? "-1" : "2";
    const signer = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
    await run(
      "x509",
      "-req",
      "-in",
      `${name}.csr`,
      ...signer,
      "-out",
      `${name}.pem`,
      "-days",
      days,
      "-extfile",
      `${name}.ext`,
    );
    await Deno.writeTextFile(
      `${folder}/${name}.both`,
      await Deno.readTextFile(`${folder}/${name}.pem`) + await Deno.readTextFile(`${folder}/${name}.key`),
    );
  }
  return {
    folder,
    caPem: await Deno.readTextFile(`${folder}/ca.pem`),
    pair: async (name) => ({
      certPem: await Deno.readTextFile(`${folder}/${name}.pem`),
      keyPem: await Deno.readTextFile(`${folder}/${name}.key`),
    }),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
