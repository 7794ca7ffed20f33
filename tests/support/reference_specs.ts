import type { ChainSpec } from "../../src/domain/chain_spec.ts";
import { readSpecFile } from "../../src/spec/spec_schema.ts";

/** The ecosystem's own spec files, where they stand beside the repository. */
export const REFERENCE_SPECS = new URL("../../../shared/specs/", import.meta.url);

/** Every spec of the ecosystem's files by index; undefined, and said aloud, where they are not there. */
export function referenceSpecs(): ReadonlyMap<string, ChainSpec> | undefined {
  let names: string[];
  try {
    names = [...Deno.readDirSync(REFERENCE_SPECS)].map(({ name }) => name).filter((name) => name.endsWith(".json"));
  } catch {
    // deno-lint-ignore no-console -- a skip is said aloud
    console.log("skipped: the reference specs, because there is no shared/specs beside the repository");
    return undefined;
  }
  const specs = new Map<string, ChainSpec>();
  for (const name of names.sort()) {
    const read = readSpecFile(JSON.parse(Deno.readTextFileSync(new URL(name, REFERENCE_SPECS))));
    if (read.kind === "mistakes") throw new Error(`${name}: ${JSON.stringify(read.mistakes)}`);
    for (const spec of read.specs) specs.set(spec.index, spec);
  }
  return specs;
}
