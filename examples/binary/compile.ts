/** Compiles the relay into an executable, for this platform or another: `deno task compile --target aarch64-apple-darwin`. */
import { parseArgs } from "@std/cli/parse-args";
import { mib, PERMISSIONS, V8_FLAGS } from "./permissions.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
];

async function main(): Promise<number> {
  const unknown: string[] = [];
  const args = parseArgs(Deno.args, {
    string: ["output", "target"],
    boolean: ["processes", "help"],
    unknown: (arg) => void unknown.push(arg),
  });
  const { target } = args;
  if (args["help"] || unknown.length > 0 || (target !== undefined && !TARGETS.includes(target))) {
    say("deno task compile [--target TARGET] [--output FILE] [--processes]");
    say(`  --target     one of ${TARGETS.join(", ")}; default: this platform`);
    say("  --output     default relaymeter");
    say("  --processes  lets the program start others, which its flag --processes needs");
    return args["help"] && unknown.length === 0 ? 0 : 2;
  }
  const windows = target === undefined ? Deno.build.os === "windows" : target.includes("windows");
  const output = args["output"] ?? (windows ? "relaymeter.exe" : "relaymeter");
  const { success } = await new Deno.Command(Deno.execPath(), {
    stderr: "inherit",
    args: [
      "compile",
      "--quiet",
      "--bundle",
      "--no-prompt",
      V8_FLAGS,
      "--unstable-net",
      "--unstable-no-legacy-abort",
      ...PERMISSIONS,
      ...(args["processes"] ? ["--allow-run"] : []),
      ...(target === undefined ? [] : ["--target", target]),
      "--output",
      output,
      `${ROOT}cli.ts`,
    ],
  }).output();
  if (!success) {
    say(
      "It could not be compiled. `deno compile` downloads the runtime `denort` of its version, once: where that can't be",
    );
    say("reached, DENORT_BIN names a copy of it. Without one, `deno task pack` makes one file of what is here.");
    return 1;
  }
  const { size } = await Deno.stat(output);
  say(`${output}: ${mib(size)}; may: ${PERMISSIONS.join(" ")}${args["processes"] ? " --allow-run" : ""}`);
  return 0;
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

Deno.exit(await main());
