import { assert, assertEquals } from "@std/assert";
import { hasProgram } from "../support/daemon.ts";

const MARKS = [
  "<!-- what bench/load/main.ts writes begins here -->",
  "<!-- what bench/load/main.ts writes ends here -->",
];

Deno.test("the load runner measures each way once, and puts tables and a chart where they belong", async () => {
  for (const program of ["nginx", "wrk", "haproxy"]) if (!await hasProgram(program, "the load runner")) return;
  const folder = await Deno.makeTempDir();
  try {
    const page = `${folder}/README.md`;
    await Deno.writeTextFile(page, `# Before\n\n${MARKS.join("\n\nold\n\n")}\n\nAfter\n`);
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "bench/load/main.ts", "--quick", "--write", page],
      cwd: new URL("../../", import.meta.url).pathname,
      stdout: "null",
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    const text = await Deno.readTextFile(page);
    assert(text.startsWith("# Before\n") && text.endsWith("\nAfter\n") && !text.includes("old"), text);
    const names = text.split("\n").filter((line) => /^\| \S/.test(line)).map((line) => line.split("|")[1]!.trim());
    for (
      const name of ["nginx proxy_pass", "haproxy", "relay", "relay, own server", "relay, own server, from its cache"]
    ) {
      assert(names.includes(name), `${name} is in ${names}`);
    }
    assert(!/NaN|undefined|Infinity/.test(text), text);
    const chart = await Deno.readTextFile(`${folder}/load/result.svg`);
    assert(chart.startsWith("<svg ") && chart.endsWith("</svg>\n"), chart);
    assert(!/NaN|undefined|Infinity/.test(chart), chart);
    assert((chart.match(/<rect /g) ?? []).length > 20, "a bar for each way");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
