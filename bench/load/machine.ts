/** What the figures were measured on, in one line. */
export async function describeMachine(programs: readonly string[]): Promise<string> {
  const model = /^model name\s*:\s*(.+)$/m.exec(await Deno.readTextFile("/proc/cpuinfo"))?.[1] ?? "an unknown CPU";
  const versions = await Promise.all(programs.map(versionOf));
  const memory = Math.round(Deno.systemMemoryInfo().total / 2 ** 30);
  return [
    new Date().toISOString().slice(0, 10),
    `${navigator.hardwareConcurrency} cores of ${model}, ${memory} GiB`,
    `Linux ${Deno.osRelease()}`,
    `Deno ${Deno.version.deno}`,
    ...versions,
  ].join(", ");
}

/** How busy the machine is, the last minute's average. */
export function loadOfMachine(): string {
  return Deno.loadavg()[0]!.toFixed(1);
}

async function versionOf(program: string): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(program, { args: ["-v"], stdin: "null" }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  return `${program} ${/\d+\.\d+(?:\.\d+)?/.exec(text)?.[0] ?? "of unknown version"}`;
}
