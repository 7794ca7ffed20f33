import { Http1Connection } from "./http1_server.ts";

/** What a provider does with one call. */
export type Behaviour =
  | "answer"
  | "hang"
  /** Closes the connection without a word. */
  | "close"
  /** Closes the connection in the middle of its answer. */
  | "close_midway"
  /** Answers after 100 ms, or after a second. */
  | "slow"
  | "very_slow"
  /** Sends bytes that are no HTTP. */
  | "garbage"
  /** Answers a call that was never made. */
  | "other_id"
  | "html_200"
  | "html_403"
  | "html_500"
  | "rate_limit"
  /** Answers with another result than the others. */
  | "lie"
  /** Answers with an error of its own that all nodes would give. */
  | "revert";

/** A provider on a real socket that does what its script says. */
export interface ScriptedProvider extends AsyncDisposable {
  readonly url: string;
  /** Calls that the script was followed for. */
  readonly calls: number;
  /** Calls that the relay gave up before they were answered. */
  readonly givenUp: number;
  /** From now on it follows another script. */
  follow(...script: Behaviour[]): void;
}

/** Methods that are answered whatever the script says: what a relay asks for itself. */
const OWN_METHODS: Readonly<Record<string, unknown>> = {
  eth_chainId: "0x1",
  eth_blockNumber: "0x10",
  net_version: "1",
  eth_getBlockByNumber: { number: "0x10", hash: `0x${"1".repeat(64)}` },
};

/** Starts a provider; the last step of its script goes on for ever. */
export function startScriptedProvider(...initial: Behaviour[]): ScriptedProvider {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections = new Set<Http1Connection>();
  let script = initial;
  let calls = 0;
  let givenUp = 0;

  const serve = async (connection: Http1Connection) => {
    for (;;) {
      const request = await connection.readRequest();
      if (request === undefined) return;
      const call = JSON.parse(new TextDecoder().decode(await request.readBody()));
      const own = OWN_METHODS[call.method];
      if (own !== undefined) {
        await connection.write(reply(200, JSON.stringify({ jsonrpc: "2.0", id: call.id, result: own })));
        continue;
      }
      const behaviour = script.length > 1 ? script.shift()! : script[0]!;
      calls++;
      if (!await behave(connection, behaviour, call.id)) return;
    }
  };
  /** False when the connection is done with. */
  const behave = async (connection: Http1Connection, behaviour: Behaviour, id: unknown): Promise<boolean> => {
    const answer = JSON.stringify({ jsonrpc: "2.0", id, result: "0x2a" });
    switch (behaviour) {
      case "hang":
        await connection.readRequest();
        givenUp++;
        return false;
      case "slow":
      case "very_slow": {
        const gone = connection.readRequest().then(() => "gone" as const);
        const timer = Promise.withResolvers<"time">();
        const handle = setTimeout(() => timer.resolve("time"), behaviour === "slow" ? 100 : 1_000);
        if (await Promise.race([gone, timer.promise]) === "gone") {
          clearTimeout(handle);
          givenUp++;
        } else await connection.write(reply(200, answer, ["connection: close"]));
        return false;
      }
      case "close":
        return false;
      case "close_midway":
        await connection.write(reply(200, answer).slice(0, -5));
        return false;
      case "garbage":
        await connection.write("\u0000\u0001 this is no HTTP\r\n\r\n");
        return false;
      default:
        await connection.write(WHOLE_REPLIES[behaviour](answer, id));
        return true;
    }
  };
  const accepting = (async () => {
    for await (const tcp of listener) {
      const connection = new Http1Connection(tcp);
      connections.add(connection);
      serve(connection).catch(() => {}).finally(() => {
        connections.delete(connection);
        connection.close();
      });
    }
  })();
  return {
    url: `http://127.0.0.1:${listener.addr.port}`,
    get calls() {
      return calls;
    },
    get givenUp() {
      return givenUp;
    },
    follow: (...next) => script = next,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      for (const connection of connections) connection.close();
    },
  };
}

const HTML = "<html><body>no node here</body></html>";

const WHOLE_REPLIES: Readonly<
  Record<
    Exclude<Behaviour, "hang" | `close${string}` | `${string}slow` | "garbage">,
    (answer: string, id: unknown) => string
  >
> = {
  answer: (answer) => reply(200, answer),
  lie: (answer) => reply(200, answer.replace("0x2a", "0xbad")),
  other_id: () => reply(200, JSON.stringify({ jsonrpc: "2.0", id: 77, result: "0x2a" })),
  html_200: () => reply(200, HTML, ["content-type: text/html"]),
  html_403: () => reply(403, HTML, ["content-type: text/html"]),
  html_500: () => reply(500, HTML, ["content-type: text/html"]),
  rate_limit: () => reply(429, HTML, ["retry-after: 60"]),
  revert: (_answer, id) =>
    reply(200, JSON.stringify({ jsonrpc: "2.0", id, error: { code: 3, message: "execution reverted" } })),
};

function reply(status: number, body: string, headers: readonly string[] = []): string {
  const lines = [`HTTP/1.1 ${status} as scripted`, `content-length: ${body.length}`, ...headers];
  if (!headers.some((line) => line.startsWith("content-type"))) lines.push("content-type: application/json");
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}
