import { assert, assertEquals } from "@std/assert";
import { createRelay } from "../../mod.ts";
import { hostHandlerOf } from "../../src/hosts/host_handler.ts";
import { overFetch } from "../support/echo_host.ts";
import { listenWith } from "../support/http_servers.ts";
import { hasDebianPackage } from "../support/prometheus.ts";
import { MemorySink } from "../support/memory_sink.ts";
import { exchange, RawConnection } from "../support/raw_http.ts";
import { answering, scriptedNodes } from "../support/scripted_node.ts";

/** The examples of proxies, what makes them wait no longer than a test does, and how they are started. */
const FRONTS = [
  {
    name: "nginx",
    file: "nginx.conf",
    shorter: [
      ["client_header_timeout 10s", "client_header_timeout 1s"],
      ["client_body_timeout 10s", "client_body_timeout 1s"],
    ] as const,
    args: (path: string, folder: string) => ["-p", folder, "-c", path, "-g", "daemon off;"],
  },
  {
    name: "haproxy",
    file: "haproxy.cfg",
    shorter: [["timeout http-request 10s", "timeout http-request 1s"]] as const,
    args: (path: string) => ["-f", path, "-db"],
  },
];

const CALL = '{"jsonrpc":"2.0","id":7,"method":"eth_chainId"}';
const HEAD = `POST / HTTP/1.1\r\nHost: relay\r\nContent-Type: application/json\r\n`;

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

async function untilListening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      return (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  throw new Error("the proxy did not listen within 5 s");
}

const PAIRS = FRONTS.flatMap((front) => (["deno", "own"] as const).map((server) => ({ ...front, server })));

for (const { name, file, shorter, args, server } of PAIRS) {
  Deno.test(`the example for ${name}, before --http-server ${server}: calls and WebSockets pass with the client's address, slow heads and bodies are given up, the relay is well`, async () => {
    if (!await hasDebianPackage(name, [name], "-v")) return;
    const usage = new MemorySink();
    const { fetch, calls } = scriptedNodes({ a: answering() });
    const providers = [{ name: "a", nodeUrls: [{ url: "http://a", ipForwarding: true }] }];
    const relay = createRelay({ chainId: "ETH1", providers, usage, fetch, trustedProxies: ["127.0.0.1"] });
    let requests = 0;
    const inner = hostHandlerOf(relay)!;
    const served = overFetch({
      handle(request, path) {
        requests++;
        return inner.handle(request, path);
      },
      accept: (request, path) => inner.accept(request, path),
    });
    const listener = await listenWith(server, served);
    const port = freePort();
    const folder = await Deno.makeTempDir();
    const path = `${folder}/${file}`;
    let text = await Deno.readTextFile(new URL(`../../examples/front/${file}`, import.meta.url));
    for (
      const [from, to] of [
        ["127.0.0.1:3333", `127.0.0.1:${listener.port}`],
        ["127.0.0.1:8080", `127.0.0.1:${port}`],
        ...shorter,
      ] as const
    ) {
      assert(text.includes(from), from);
      text = text.replaceAll(from, to);
    }
    await Deno.writeTextFile(path, text.replace("/tmp/relaymeter-nginx.pid", `${folder}/pid`));
    const proxy = new Deno.Command(name, { args: args(path, folder), stdout: "null", stderr: "null" }).spawn();
    try {
      await untilListening(port);
      const url = `http://127.0.0.1:${port}`;
      {
        // A client that is a head's last line short holds a connection of the proxy, and none of the relay.
        using slow = await RawConnection.open(url);
        await slow.write(HEAD);
        // And so does one that is a body's last bytes short.
        using slowBody = await RawConnection.open(url);
        await slowBody.write(`${HEAD}Content-Length: ${CALL.length}\r\n\r\n${CALL.slice(0, 9)}`);
        const good = await exchange(
          url,
          `${HEAD}X-Forwarded-For: 6.6.6.6\r\nContent-Length: ${CALL.length}\r\n\r\n${CALL}`,
        );
        assertEquals([good.status, good.text], [200, '{"jsonrpc":"2.0","id":7,"result":"0x1"}']);
        assertEquals(calls.map(({ headers }) => headers.get("x-forwarded-for")), ["127.0.0.1"]);
        for (const connection of [slow, slowBody]) {
          const end = await connection.read().then(({ status }) => status, () => "closed");
          assert(end === 408 || end === "closed", String(end));
        }
      }
      // The relay has deadlines too: here it must not have been needed.
      assertEquals([requests, usage.events.length], [1, 1]);

      const socket = new WebSocket(`ws://127.0.0.1:${port}`);
      const answer = new Promise((resolve, reject) => {
        socket.onopen = () => socket.send(CALL);
        socket.onmessage = ({ data }) => resolve(data);
        socket.onerror = () => reject(new Error("the WebSocket failed"));
      });
      const closed = new Promise((resolve) => socket.onclose = resolve);
      assertEquals(await answer, '{"jsonrpc":"2.0","id":7,"result":"0x1"}');
      socket.close();
      await closed;
      assertEquals(usage.events.length, 2);
    } finally {
      proxy.kill("SIGTERM");
      await proxy.status;
      await listener.shutdown();
      await Deno.remove(folder, { recursive: true });
    }
  });
}
