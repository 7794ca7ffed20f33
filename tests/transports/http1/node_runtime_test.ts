import { assert, assertEquals } from "@std/assert";
import { answerOf, httpFaults } from "../../support/http1_faults.ts";
import type { Answers, Questions } from "../../support/node_runtime_program.ts";
import { installTool } from "../../support/npm_tool.ts";
import { type Act, type RawNode, startRawNode } from "../../support/raw_node.ts";
import { makeCertificates, type Name } from "../../support/signed_certificates.ts";

const PROGRAM = new URL("../../support/node_runtime_program.ts", import.meta.url).pathname;

const wellBehaved: Act = async (peer) => {
  while (await peer.request() !== undefined) await peer.write(answerOf("ok"));
};

/** The transport over `node:net` and `node:tls` where these are Node's own, and not Deno's take on them. */
Deno.test("Node itself: plain and over TLS, every fault, and nothing that keeps the process", async () => {
  const node = await installTool("node", "22.23.3");
  await using certificates = await makeCertificates();
  if (node === undefined || certificates === undefined) return;
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const bundled = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform", "deno", "--output", `${folder}/program.mjs`, PROGRAM],
    cwd: new URL("../../../", import.meta.url).pathname,
  }).output();
  assert(bundled.success, new TextDecoder().decode(bundled.stderr));

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
  const questions: Questions = {
    echoes: [{ url: await serve() }, { url: good, caPem }],
    faulty: [
      ...faulty.map(({ url }) => ({ url })),
      { url: good },
      { url: await serve("other"), caPem },
      { url: await serve("expired"), caPem },
      { url: `http://127.0.0.1:${unreachable.addr.port}/` },
      { url: "http://no-such-host.invalid/" },
    ],
    silent: silent.url,
  };
  const { code, stdout, stderr } = await new Deno.Command(`${node}/bin/node`, {
    args: [`${folder}/program.mjs`, JSON.stringify(questions)],
    signal: AbortSignal.timeout(30_000),
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const answers: Answers = JSON.parse(new TextDecoder().decode(stdout));
  assert(answers.runtime.startsWith("v22."), answers.runtime);
  assertEquals(answers.echoes, ["71 of 71", "71 of 71"]);
  const unreachableTwice = Array.from({ length: 5 }, () => ["upstream_unreachable", "upstream_unreachable"]);
  assertEquals(answers.faulty, [
    ...faults.map(({ outcome }) => [outcome === "answer" ? "200 hello" : outcome, "200 ok"]),
    ...unreachableTwice,
  ]);
  assertEquals([answers.silent, answers.connectionsAtEnd], ["upstream_disconnected", 0]);
});
