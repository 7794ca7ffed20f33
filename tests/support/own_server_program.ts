/** A server of the relay's own with a fixed answer, for tests that need it in a process of its own: says its port, then its log. */
import { listenOwn } from "../../src/hosts/http1/listen.ts";

if (import.meta.main) {
  const say = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
  const log = { debug() {}, info() {}, warn: say, error: say };
  const body = new TextEncoder().encode("ok");
  const handler = {
    handle: () => Promise.resolve({ status: 200, fields: [], body }),
    accept: () => ({ status: 501, fields: [], body: null }),
  };
  const limits = { headerTimeoutMs: 60_000, idleTimeoutMs: 60_000, maxConnections: 0 };
  say(String(listenOwn({ hostname: "127.0.0.1", port: 0 }, { handler, log }, limits).port));
}
