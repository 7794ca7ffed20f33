import { assert, assertEquals } from "@std/assert";
import { RawConnection } from "../support/raw_http.ts";

const PROGRAM = new URL("../support/own_server_program.ts", import.meta.url).pathname;
/** What the runtime needs for itself, and some more. */
const FILES = 64;
const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

Deno.test("a server without files left says so, serves those that it has, and takes others when there are some again", async () => {
  const child = new Deno.Command("sh", {
    args: ["-c", `ulimit -n ${FILES}; exec "$0" run -A "$1"`, Deno.execPath(), PROGRAM],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let said = "";
  const until = async (isThere: (text: string) => boolean) => {
    while (!isThere(said)) {
      const { done, value } = await lines.read();
      if (done) throw new Error(`the server has ended: ${said}`);
      said += value;
    }
  };
  const connections: RawConnection[] = [];
  try {
    await until((text) => text.includes("\n"));
    const url = `http://127.0.0.1:${parseInt(said)}/`;
    for (let i = 0; i < FILES; i++) connections.push(await RawConnection.open(url));
    await until((text) => text.includes("a connection could not be accepted"));
    const [first] = connections;
    await first!.write(GET);
    assertEquals((await first!.read()).text, "ok");

    for (const connection of connections.splice(0)) connection[Symbol.dispose]();
    using later = await RawConnection.open(url);
    await later.write(GET);
    assertEquals((await later.read()).text, "ok");
    assert(said.split("could not be accepted").length < 10, "it does not try all the time");
  } finally {
    for (const connection of connections) connection[Symbol.dispose]();
    child.kill("SIGKILL");
    await lines.cancel();
    await child.status;
  }
});
