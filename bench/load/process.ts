/** CPU seconds of a process so far, of all its threads. */
export function cpuSeconds(pid: number): number {
  return readCpuSeconds(`/proc/${pid}/stat`);
}

/** CPU seconds of each thread of a process so far, by the thread's number. */
export function cpuOfThreads(pid: number): Map<number, number> {
  const threads = [...Deno.readDirSync(`/proc/${pid}/task`)].map(({ name }) => Number(name));
  return new Map(threads.map((thread) => [thread, readCpuSeconds(`/proc/${pid}/task/${thread}/stat`)]));
}

/** The processes that a process has started and that run. */
export function childrenOf(pid: number): number[] {
  const tasks = [...Deno.readDirSync(`/proc/${pid}/task`)].map(({ name }) => `/proc/${pid}/task/${name}/children`);
  return tasks.flatMap((file) => Deno.readTextFileSync(file).split(" ").filter((part) => part !== "").map(Number));
}

function readCpuSeconds(file: string): number {
  const stat = Deno.readTextFileSync(file);
  // The name may hold anything, and ends with the last bracket.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // User and system time, in ticks of a hundredth of a second.
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Resident memory of a process at this moment, MiB. */
export function residentMib(pid: number): number {
  return statusMib(pid, "VmRSS");
}

/** The most resident memory that a process has had since {@linkcode forgetPeak}, MiB. */
export function peakMib(pid: number): number {
  return statusMib(pid, "VmHWM");
}

/** Has the peak begin anew: what a start takes is not what a load takes. */
export function forgetPeak(pid: number): void {
  Deno.writeTextFileSync(`/proc/${pid}/clear_refs`, "5");
}

function statusMib(pid: number, name: string): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)![1]) / 1024;
}
