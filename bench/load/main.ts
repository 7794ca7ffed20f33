/**
 * What a relayed request costs, beside nginx and haproxy which only pass it on.
 *
 * `deno run -A bench/load/main.ts [--rounds 5] [--seconds 2] [--connections 32] [--quick] [--write bench/README.md]`.
 * Needs nginx and wrk; haproxy, h2load and openssl for what has to do with them. Those compared take turns in each round,
 * and figures are medians of the rounds. `--write` puts the tables into the part of a Markdown file that is kept for
 * them, and the chart beside it at `load/result.svg`; `--quick` shows that all of it works, and measures nothing.
 */
import { parseArgs } from "@std/cli/parse-args";
import { hasProgram } from "../../tests/support/daemon.ts";
import { makeCertificates } from "../../tests/support/signed_certificates.ts";
import { drawCharts } from "./chart.ts";
import { measureHttp } from "./http.ts";
import { describeMachine, loadOfMachine } from "./machine.ts";
import { runPrograms } from "./programs.ts";
import { formatSection } from "./section.ts";

const BEGIN = "<!-- what bench/load/main.ts writes begins here -->";
const END = "<!-- what bench/load/main.ts writes ends here -->";

const args = parseArgs(Deno.args, { string: ["rounds", "seconds", "connections", "write"], boolean: ["quick"] });
const load = {
  warmUpSeconds: args.quick ? 0 : 3,
  rounds: args.quick ? 1 : Number(args.rounds ?? 5),
  seconds: args.quick ? 1 : Number(args.seconds ?? 2),
  connections: Number(args.connections ?? 32),
};

const hasAll = async (programs: readonly string[]) => {
  let isAll = true;
  for (const program of programs) isAll = await hasProgram(program, "a part of the measurement") && isAll;
  return isAll;
};
if (await hasAll(["nginx", "wrk"])) await main();

async function main(): Promise<void> {
  const hasHaproxy = await hasAll(["haproxy"]);
  const machine = await describeMachine(hasHaproxy ? ["nginx", "haproxy", "wrk"] : ["nginx", "wrk"]);
  const loadBefore = loadOfMachine();
  await using certificates = await makeCertificates();
  const { sections, charts } = await measureHttp(load, certificates, hasHaproxy);
  const more = args.quick ? [] : await runPrograms(hasAll);
  const { rounds, seconds, connections } = load;
  const how =
    `Medians of ${rounds} interleaved rounds of ${seconds} s, after ${load.warmUpSeconds} s that do not count, ` +
    `${connections} connections. ${machine}. ` +
    `Load of the machine before: ${loadBefore}.`;
  const text = [how, "", "![CPU, requests a second and latency as bars](load/result.svg)", ""].join("\n") +
    [...sections, ...more].map((section) => `\n${formatSection(section)}`).join("");
  // deno-lint-ignore no-console -- the tables are what the program is for
  console.log(text);
  if (args.write !== undefined) await write(args.write, text, drawCharts(charts, machine));
}

async function write(file: string, text: string, chart: string): Promise<void> {
  const before = await Deno.readTextFile(file);
  const [begin, end] = [before.indexOf(BEGIN), before.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${file} has no part between "${BEGIN}" and "${END}"`);
  await Deno.writeTextFile(file, `${before.slice(0, begin)}${BEGIN}\n\n${text}\n${before.slice(end)}`);
  const folder = `${file.slice(0, Math.max(0, file.lastIndexOf("/")))}/load`;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/result.svg`, chart);
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", file, `${folder}/result.svg`] }).output();
}
