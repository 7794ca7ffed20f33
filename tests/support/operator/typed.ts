/** Checks documents against the types that somebody has published for them, with the compiler: it knows of misspelt fields too. */

/** A document, and the type that it is to have. */
export interface Typed {
  /** An npm specifier with an exact version. */
  readonly module: string;
  readonly type: string;
  readonly value: unknown;
}

/** What the compiler has against the documents, nothing for good ones; undefined, and a line that says why, without npm. */
export async function typeErrors(documents: readonly Typed[]): Promise<string | undefined> {
  const folder = await Deno.makeTempDir();
  try {
    const lines = documents.flatMap(({ module, type, value }, index) => [
      `import type { ${type} as Type${index} } from ${JSON.stringify(module)};`,
      `export const document${index}: Type${index} = ${JSON.stringify(value, null, 2)};`,
    ]);
    await Deno.writeTextFile(`${folder}/documents.ts`, lines.join("\n"));
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--no-config", "--no-lock", "documents.ts"],
      cwd: folder,
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const text = new TextDecoder().decode(stderr);
    if (success) return "";
    if (/TS\d+/.test(text)) return text;
    const modules = documents.map(({ module }) => module).join(", ");
    Deno.stderr.writeSync(new TextEncoder().encode(`skipped: the types of ${modules}, because npm can't be reached\n`));
    return undefined;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
