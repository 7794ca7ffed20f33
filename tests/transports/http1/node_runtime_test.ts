import { assert, assertEquals } from "@std/assert";
import { answerOf, httpFaults } from "../../support/http1_faults.ts";
import type { Answers, Questions } from "../../support/node_runtime_program.ts";
import { installTool } from "../../support/npm_tool.ts";
import { type Act, type RawNode, startRawNode } from "../../support/raw_node.ts";
import { makeCertificates, type Name } from "../../support/signed_certificates.ts";
import { askOverTls } from "../../support/tls_cutter.ts";

const PROGRAM = new URL("../../support/node_runtime_program.ts", import.meta.url).pathname;

const wellBehaved: Act = async (peer) => {
  while (await peer.request() !== undefined) await peer.write(answerOf("ok"));
};

/** The transport over `node:net` and `node:tls` where these are Node's own, and not Deno's take on them. */
async function startProgram() {
  const node = await installTool("node", "22.23.3");
  if (node === undefined) return undefined;
  const folder = await Deno.makeTempDir();
  const bundled = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform", "deno", "--output", `${folder}/program.mjs`, PROGRAM],
    cwd: new URL("../../../", import.meta.url).pathname,
  }).output();
  assert(bundled.success, new TextDecoder().decode(bundled.stderr));
  return {
    async answer(questions: Partial<Questions>): Promise<Answers> {
      const all: Questions = { echoes: [], faulty: [], once: [], silent: [], ...questions };
      const { code, stdout, stderr } = await new Deno.Command(`${node}/bin/node`, {
        args: [`${folder}/program.mjs`, JSON.stringify(all)],
        signal: AbortSignal.timeout(30_000),
      }).output();
      assertEquals(code, 0, new TextDecoder().decode(stderr));
      return JSON.parse(new TextDecoder().decode(stdout));
    },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

Deno.test("Node itself: plain and over TLS, every fault, and nothing that keeps the process", async () => {
  await using program = await startProgram();
  await using certificates = await makeCertificates();
  if (program === undefined || certificates === undefined) return;
  await using stack = new AsyncDisposableStack();

  const { caPem } = certificates;
  const serve = async (name?: Name) => {
    const { certPem: cert, keyPem: key } = name === undefined ? {} : await certificates.pair(name);
    const tls = cert === undefined || key === undefined ? {} : { cert, key };
    const options = { hostname: "127.0.0.1", port: 0, ...tls, onListen() {} };
    const server = stack.adopt(
      Deno.serve(options, async (request) => new Response(await request.text())),
      (server) => server.shutdown(),
    );
    return `${name === undefined ? "http" : "https"}://127.0.0.1:${server.addr.port}/`;
  };
  const faults = httpFaults(() => "hello");
  const faulty: RawNode[] = faults.map(({ act }) => stack.use(startRawNode(act, wellBehaved)));
  const silent = stack.use(startRawNode(async (peer) => await peer.ended()));
  const good = await serve("good");
  const unreachable = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  unreachable.close();
  const answers = await program.answer({
    echoes: [{ url: await serve() }, { url: good, caPem }],
    faulty: [
      ...faulty.map(({ url }) => ({ url })),
      { url: good },
      { url: await serve("other"), caPem },
      { url: await serve("expired"), caPem },
      { url: `http://127.0.0.1:${unreachable.addr.port}/` },
      { url: "http://no-such-host.invalid/" },
    ],
    silent: [silent.url],
  });
  assert(answers.runtime.startsWith("v22."), answers.runtime);
  assertEquals(answers.echoes, ["71 of 71", "71 of 71"]);
  const unreachableTwice = Array.from({ length: 5 }, () => ["upstream_unreachable", "upstream_unreachable"]);
  assertEquals(answers.faulty, [
    ...faults.map(({ outcome }) => [outcome === "answer" ? "200 hello" : outcome, "200 ok"]),
    ...unreachableTwice,
  ]);
  assertEquals([answers.silent, answers.connectionsAtEnd], [["upstream_disconnected"], 0]);
});

Deno.test("Node itself: an answer over TLS that somebody cuts off is not taken for a short one", async () => {
  await using program = await startProgram();
  await using certificates = await makeCertificates();
  if (program === undefined || certificates === undefined) return;
  const { caPem } = certificates;
  const { certPem: cert, keyPem: key } = await certificates.pair("good");
  for (const isCut of [false, true]) {
    const parts = ["HTTP/1.1 200 OK\r\n\r\n01234", "56789"] as const;
    const outcome = await askOverTls(parts, isCut, { cert, key }, async (port) => {
      const answers = await program.answer({ once: [{ url: `https://127.0.0.1:${port}/`, caPem }] });
      return answers.once.join();
    });
    assertEquals(outcome, isCut ? "upstream_disconnected" : "200 0123456789");
  }
});
