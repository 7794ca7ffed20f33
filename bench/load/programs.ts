import type { Section } from "./section.ts";

/** Programs beside this file that measure other ways in, each with what it needs on the machine. */
const PROGRAMS: readonly { readonly file: string; readonly needs: readonly string[] }[] = [
  { file: "grpc/main.ts", needs: ["nginx", "h2load"] },
  { file: "websocket/main.ts", needs: ["nginx"] },
  { file: "scaling.ts", needs: ["nginx", "wrk"] },
];
/** Longest that one may take, milliseconds. */
const LIMIT_MS = 120_000;

/** Has each program measure, one after the other. One that fails is told and left out, and the exit code says so. */
export async function runPrograms(hasAll: (programs: readonly string[]) => Promise<boolean>): Promise<Section[]> {
  const sections: Section[] = [];
  for (const { file, needs } of PROGRAMS) {
    if (!await hasAll(needs)) continue;
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", new URL(file, import.meta.url).pathname, "--json"],
      cwd: new URL("../../", import.meta.url).pathname,
      stdin: "null",
      signal: AbortSignal.timeout(LIMIT_MS),
    }).output();
    if (success) {
      sections.push(JSON.parse(new TextDecoder().decode(stdout)));
      continue;
    }
    Deno.stderr.writeSync(new TextEncoder().encode(`${file} failed: ${new TextDecoder().decode(stderr)}\n`));
    Deno.exitCode = 1;
  }
  return sections;
}
