import process from "node:process";
import { Http1Transport } from "../../src/transports/http1/transport.ts";
import { nodeConnect } from "../../src/transports/http1/node_connect.ts";
import { systemClock } from "../../src/domain/clock.ts";
import { describe, requestOf, sendTo } from "./http1_transports.ts";
import { nodeUrlOf } from "./node_url.ts";

/** What the program is asked to do, as JSON in its argument. */
export interface Questions {
  /** URLs of a node that gives back what it is sent, over TLS as well. */
  readonly echoes: readonly { readonly url: string; readonly caPem?: string }[];
  /** Asked twice each: the node does something wrong the first time. */
  readonly faulty: readonly { readonly url: string; readonly caPem?: string }[];
  /** Asked once each. */
  readonly once: readonly { readonly url: string; readonly caPem?: string }[];
  /** Nodes that never answer. */
  readonly silent: readonly string[];
}

/** What came of it, printed as JSON. */
export interface Answers {
  readonly runtime: string;
  readonly echoes: readonly string[];
  readonly faulty: readonly (readonly string[])[];
  readonly once: readonly string[];
  readonly silent: readonly string[];
  readonly connectionsAtEnd: number;
}

const LARGE = "0123456789".repeat(30_000);

// It ends by itself when nothing is left that could still happen: a socket or a timer that leaked would keep it.
if (import.meta.main) await answer(JSON.parse(process.argv[2]!));

async function answer({ echoes, faulty, once, silent }: Questions): Promise<void> {
  const create = () => new Http1Transport({ connect: nodeConnect, clock: systemClock }, { maxReplyBytes: 1_000_000 });
  let transport = create();
  const ask = async ({ url, caPem }: Questions["echoes"][number], body: string, signal?: AbortSignal) => {
    const target = nodeUrlOf(url, { tls: caPem === undefined ? undefined : { caPem } });
    return describe(await sendTo(transport, target, requestOf(body), signal));
  };
  const echoed: string[] = [];
  for (const node of echoes) {
    const results: boolean[] = [];
    for (let i = 0; i < 20; i++) results.push(await ask(node, `a${i}`) === `200 a${i}`);
    const texts = [...Array.from({ length: 50 }, (_, i) => `b${i}`), LARGE];
    const answers = await Promise.all(texts.map((text) => ask(node, text)));
    results.push(...answers.map((text, i) => text === `200 ${texts[i]}`));
    echoed.push(`${results.filter((isRight) => isRight).length} of ${results.length}`);
  }
  transport.close();
  transport = create();
  const told: string[][] = [];
  for (const node of faulty) {
    const first = await ask(node, "hi");
    // A node may end its connection a little after its answer.
    while (transport.connections > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    told.push([first, await ask(node, "hi")]);
    transport.close();
    transport = create();
  }
  const answered: string[] = [];
  for (const node of once) answered.push(await ask(node, "hi"));
  const given: string[] = [];
  for (const url of silent) {
    const patience = new AbortController();
    setTimeout(() => patience.abort(), 100);
    given.push(await ask({ url }, "hi", patience.signal));
  }
  transport.close();
  const answers: Answers = {
    runtime: process.version,
    echoes: echoed,
    faulty: told,
    once: answered,
    silent: given,
    connectionsAtEnd: transport.connections,
  };
  process.stdout.write(JSON.stringify(answers));
}
