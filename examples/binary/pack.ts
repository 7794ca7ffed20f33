/**
 * Packs the relay into one file that unpacks itself: a shell script with the Deno executable and the bundled program behind
 * it. Needs nothing but this checkout and Deno, and works where `deno compile` can't get its runtime.
 */
import { parseArgs } from "@std/cli/parse-args";
import * as zlib from "node:zlib";
import denoConfig from "../../deno.json" with { type: "json" };
import { mib, PERMISSIONS, V8_FLAGS } from "./permissions.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** A file as it is unpacked, and as it is packed. */
interface Part {
  readonly name: string;
  readonly size: number;
  readonly packed: Uint8Array<ArrayBuffer>;
}

async function main(): Promise<number> {
  const unknown: string[] = [];
  const args = parseArgs(Deno.args, {
    string: ["output", "deno"],
    boolean: ["zstd", "help"],
    unknown: (arg) => void unknown.push(arg),
  });
  if (args["help"] || unknown.length > 0) {
    say("deno task pack [--output FILE] [--zstd] [--deno EXECUTABLE]");
    say("  --output  default relaymeter.run");
    say("  --zstd    smaller and faster to start; the hosts that it runs on need zstd, and not only gzip");
    say("  --deno    executable of another platform, of the version of this one; default: this one");
    return unknown.length > 0 ? 2 : 0;
  }
  const output = args["output"] ?? "relaymeter.run";
  const compress = args["zstd"] ? zstd : gzip;
  const program = await bundle();
  const runtime = await Deno.readFile(args["deno"] ?? Deno.execPath());
  const parts = await Promise.all([pack("deno", runtime, compress), pack("relaymeter.js", program, compress)]);
  const head = await headOf(parts as [Part, Part], args["zstd"] ? "zstd" : "gzip");
  // Never half a file in its place.
  const temporary = `${output}.part`;
  using file = await Deno.open(temporary, { write: true, create: true, truncate: true, mode: 0o755 });
  for (const bytes of [head, ...parts.map(({ packed }) => packed)]) await writeAll(file, bytes);
  await Deno.rename(temporary, output);
  say(`${output}: ${mib((await Deno.stat(output)).size)}; the program is ${mib(program.length)} of what it unpacks to`);
  return 0;
}

/** The program in one file. Not minified: that loses now and then how modules of CommonJS get those of the platform. */
async function bundle(): Promise<Uint8Array<ArrayBuffer>> {
  const output = await Deno.makeTempFile({ suffix: ".js" });
  try {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["bundle", "--quiet", "--platform=deno", "--output", output, "cli.ts"],
      cwd: ROOT,
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return await Deno.readFile(output);
  } finally {
    await Deno.remove(output);
  }
}

type Compress = (bytes: Uint8Array<ArrayBuffer>) => Promise<Uint8Array<ArrayBuffer>>;

async function pack(file: string, bytes: Uint8Array<ArrayBuffer>, compress: Compress): Promise<Part> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex().slice(0, 16);
  // By its content: a new version of the program finds the runtime of the old one.
  return { name: `${hash}-${file}`, size: bytes.length, packed: await compress(bytes) };
}

const gzip: Compress = async (bytes) =>
  new Uint8Array(
    await new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer(),
  );

/** What the platform has and its types don't. */
interface Zstd {
  readonly constants: { readonly ZSTD_c_compressionLevel: number };
  zstdCompressSync(bytes: Uint8Array, options: { readonly params: Record<number, number> }): Uint8Array<ArrayBuffer>;
}

const zstd: Compress = (bytes) => {
  const { constants, zstdCompressSync } = zlib as unknown as Zstd;
  return Promise.resolve(zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 12 } }));
};

/** The script, which says where in the file each part is; that depends on the length of the script. */
async function headOf(parts: readonly [Part, Part], decompress: string): Promise<Uint8Array<ArrayBuffer>> {
  const template = await Deno.readTextFile(new URL("head.sh", import.meta.url));
  const [runtime, program] = parts;
  let length = 0;
  for (;;) {
    const place = ({ name, size, packed }: Part, offset: number) => `${name} ${offset} ${packed.length} ${size}`;
    const values: Readonly<Record<string, string>> = {
      VERSION: denoConfig.version,
      DECOMPRESS: decompress,
      RUNTIME: place(runtime, length + 1),
      PROGRAM: place(program, length + 1 + runtime.packed.length),
      RUNTIME_FILE: runtime.name,
      PROGRAM_FILE: program.name,
      PERMISSIONS: PERMISSIONS.join(" "),
      HEAP: V8_FLAGS,
    };
    const head = new TextEncoder().encode(template.replace(/\{([A-Z_]+)\}/g, (whole, name) => values[name] ?? whole));
    if (head.length === length) return head;
    length = head.length;
  }
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) written += await file.write(bytes.subarray(written));
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

Deno.exit(await main());
