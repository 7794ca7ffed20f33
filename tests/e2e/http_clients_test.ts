import { assert, assertEquals } from "@std/assert";
import { hasProgram } from "../support/daemon.ts";
import { startHeldNode } from "../support/held_node.ts";
import { HTTP_SERVERS } from "../support/http_servers.ts";
import { startReceiver } from "../support/receiver.ts";
import { startRelay } from "../support/relay_process.ts";

const CALL = '{"jsonrpc":"2.0","id":7,"method":"eth_chainId"}';
const ANSWER = '{"jsonrpc":"2.0","id":7,"result":"0x1"}';
const AS_JSON = ["-H", "content-type: application/json"];

async function run(program: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args: [...args], stdin: "null" }).output();
  assert(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Programs that call, how often, and what they are to print; `URL` stands for the relay's. */
const CLIENTS: readonly {
  readonly program: string;
  readonly what: string;
  readonly args: readonly string[];
  readonly calls: number;
  readonly says: string;
}[] = [
  {
    program: "curl",
    what: "twice on one connection",
    args: ["-sS", ...AS_JSON, "-d", CALL, "-w", " %{num_connects};", "URL/", "-o", "-", "URL/", "-o", "-"],
    calls: 2,
    says: `${ANSWER} 1;${ANSWER} 0;`,
  },
  { program: "curl", what: "by HTTP/1.0", args: ["-sS", "-0", ...AS_JSON, "-d", CALL, "URL/"], calls: 1, says: ANSWER },
  {
    program: "curl",
    what: "in chunks, waiting to be told to go on",
    args: ["-sS", ...AS_JSON, "-H", "transfer-encoding: chunked", "-H", "expect: 100-continue", "-d", CALL, "URL/"],
    calls: 1,
    says: ANSWER,
  },
  {
    program: "curl",
    what: "taking compressed answers, with a range of codings",
    args: ["-sS", "--compressed", ...AS_JSON, "-d", CALL, "URL/"],
    calls: 1,
    says: ANSWER,
  },
  {
    program: "python3",
    what: "http.client, kept, and urllib",
    args: [
      "-c",
      `import http.client, urllib.request, sys
body, kind = '${CALL}', {"Content-Type": "application/json"}
kept = http.client.HTTPConnection("URL"[7:])
for _ in range(20):
    kept.request("POST", "/", body, kind)
    assert kept.getresponse().read() == b'${ANSWER}'
with urllib.request.urlopen(urllib.request.Request("URL/", body.encode(), kind)) as answer:
    sys.stdout.write(answer.read().decode())`,
    ],
    calls: 21,
    says: ANSWER,
  },
  {
    program: "node",
    what: "its fetch, which is undici, and node:http with an agent that keeps connections",
    args: [
      "-e",
      `const http = require("node:http");
const headers = { "content-type": "application/json" };
const agent = new http.Agent({ keepAlive: true, maxSockets: 2 });
const post = () => new Promise((resolve, reject) => {
  const request = http.request("URL/", { method: "POST", headers, agent }, (answer) => {
    let text = "";
    answer.on("data", (part) => text += part).on("end", () => resolve(text));
  });
  request.on("error", reject).end('${CALL}');
});
const fetched = async () => (await fetch("URL/", { method: "POST", headers, body: '${CALL}' })).text();
(async () => {
  const all = await Promise.all(Array.from({ length: 40 }, (_, i) => i % 2 ? post() : fetched()));
  process.stdout.write([...new Set(all)].join());
  agent.destroy();
})();`,
    ],
    calls: 40,
    says: ANSWER,
  },
];

for (const server of HTTP_SERVERS) {
  Deno.test(`--http-server ${server}: curl, python, node and undici call, and each call is on the bill`, async () => {
    await using node = startHeldNode();
    await using receiver = startReceiver();
    const usage = ["--usage-otel-enabled", `--usage-otel-endpoint=${receiver.url}`, "--usage-otel-flush-interval=20ms"];
    const args = ["127.0.0.1:0", "ETH1", "jsonrpc", "--upstream", node.url, `--http-server=${server}`, ...usage];
    await using relay = await startRelay(args);
    const [url = ""] = relay.urls;
    let calls = 0;
    for (const client of CLIENTS) {
      if (!await hasProgram(client.program, `${client.program} ${client.what}`)) continue;
      const said = await run(client.program, client.args.map((arg) => arg.replaceAll("URL", url)));
      assertEquals(said, client.says, `${client.program} ${client.what}`);
      calls += client.calls;
    }
    await receiver.waitFor(calls);
    relay.kill("SIGTERM");
    assertEquals(await relay.exited, 0);
    assertEquals(receiver.records.length, calls);
  });

  Deno.test(`--http-server ${server}: a load that comes as fast as it can has no error, and is on the bill`, async () => {
    if (!await hasProgram("wrk", "the load")) return;
    await using node = startHeldNode();
    await using receiver = startReceiver();
    const usage = ["--usage-otel-enabled", `--usage-otel-endpoint=${receiver.url}`];
    const args = ["127.0.0.1:0", "ETH1", "jsonrpc", "--upstream", node.url, `--http-server=${server}`, ...usage];
    await using relay = await startRelay(args);
    const script = await Deno.makeTempFile({ suffix: ".lua" });
    try {
      const lua = `wrk.method = "POST"\nwrk.body = '${CALL}'\nwrk.headers["Content-Type"] = "application/json"\n`;
      await Deno.writeTextFile(script, lua);
      const said = await run("wrk", ["-t1", "-c16", "-d1s", "-s", script, relay.urls[0]!]);
      assert(!/Socket errors|Non-2xx/.test(said), said);
      relay.kill("SIGTERM");
      assertEquals(await relay.exited, 0);
      const answered = Number(/(\d+) requests in/.exec(said)![1]);
      // Those under way when it ends are on the bill, too, and are not in its count.
      const billed = receiver.records.length;
      assert(answered > 100 && billed >= answered && billed <= answered + 16, `${answered} answered, ${billed} billed`);
    } finally {
      await Deno.remove(script);
    }
  });
}
