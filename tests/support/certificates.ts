/** Certificates for loopback, and the authority that they are from; undefined, and said aloud, without openssl. */
export interface Certificates {
  readonly caPem: string;
  readonly server: { readonly certPem: string; readonly keyPem: string };
  readonly client: { readonly certPem: string; readonly keyPem: string };
}

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** Makes an authority, and has it sign a server's and a client's certificate. */
export async function makeCertificates(): Promise<Certificates | undefined> {
  const folder = await Deno.makeTempDir();
  const read = (name: string) => Deno.readTextFile(`${folder}/${name}`);
  const openssl = async (...args: string[]) => {
    const nothing = { stdin: "null", stdout: "null", stderr: "null" } as const;
    const { success } = await new Deno.Command("openssl", { args, cwd: folder, ...nothing }).output();
    if (!success) throw new Error(`openssl ${args[0]} failed`);
  };
  const sign = async (name: string) => {
    await openssl("req", ...KEY, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
    const text = "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n";
    await Deno.writeTextFile(`${folder}/${name}.ext`, text);
    const authority = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
    const out = ["-out", `${name}.pem`, "-days", "2", "-extfile", `${name}.ext`];
    await openssl("x509", "-req", "-in", `${name}.csr`, ...authority, ...out);
    return { certPem: await read(`${name}.pem`), keyPem: await read(`${name}.key`) };
  };
  try {
    await openssl("req", "-x509", ...KEY, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test");
    return { caPem: await read("ca.pem"), server: await sign("server"), client: await sign("client") };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    // deno-lint-ignore no-console -- who runs the tests is to know what they did not test
    console.log("skipped: TLS, because there is no openssl");
    return undefined;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
