/**
 * A process that takes over what dead ones have left, at the moment that it is told to: makes its folder, says so,
 * waits for a line, says what stands in the files that it got, and lives until its input ends. Arguments: directory, host, name of its folder.
 */
import { SpoolFolder } from "../../src/usage/spool/folder.ts";

const say = (text: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));

if (import.meta.main) {
  const [directory = "", hostname = "", name = ""] = Deno.args;
  const folder = await SpoolFolder.create(directory, hostname, name);
  say("ready");
  await Deno.stdin.read(new Uint8Array(16));
  const paths = await folder.adoptOrphans();
  say(JSON.stringify(await Promise.all(paths.map((path) => Deno.readTextFile(path)))));
  while (await Deno.stdin.read(new Uint8Array(16)) !== null);
}
