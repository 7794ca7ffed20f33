/** The text of a file that a flag names. Where it can't be read there is none, and a mistake more. */
export function readNamedFile(flag: string, path: string, mistakes: string[]): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound ? "there is no such file" : "it can't be read";
    mistakes.push(`${flag}: ${path}: ${reason}`);
    return undefined;
  }
}
