import { assert, assertEquals } from "@std/assert";
import { createRelay, type RelayUsageEvent } from "../../mod.ts";
import { RELAY_FLAGS } from "../../src/config/flags.ts";
import { parseFlags } from "../../src/config/parse_flags.ts";
import { relayOptions } from "../../src/cli/serve/relay_options.ts";
import { MemorySink } from "../support/memory_sink.ts";
import { answering, hanging, type NodeScript, scriptedNodes } from "../support/scripted_node.ts";

/** What a relay with these flags does with a request: its answer, the calls to nodes, and the events. */
interface Done {
  readonly response: Response;
  readonly text: string;
  readonly nodeCalls: number;
  readonly forwardedFor: string | null | undefined;
  readonly events: readonly RelayUsageEvent[];
}

const CALL = '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}';
const BATCH = `[${CALL},${CALL.replace("1,", "2,")}]`;
const LONG = "x".repeat(5_000);

interface Scene {
  readonly node?: NodeScript;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly verb?: string;
}

async function ask(
  flag: string,
  { node = answering(), body = CALL, headers = {}, verb = "POST" }: Scene,
): Promise<Done> {
  const parsed = parseFlags(["--relays-health-enable=false", ...flag.split(" ").filter(Boolean)], RELAY_FLAGS);
  if (parsed.kind !== "flags" || parsed.mistakes.length > 0) throw new Error(JSON.stringify(parsed));
  const names = ["a", "b", "c", "d", "e"];
  const { fetch, calls } = scriptedNodes(Object.fromEntries(names.map((name) => [name, node])));
  const usage = new MemorySink();
  await using relay = createRelay({
    chainId: "ETH1",
    providers: names.map((name) => ({ name, nodeUrls: [{ url: `http://${name}`, ipForwarding: true }] })),
    ...relayOptions(parsed.values),
    usage,
    fetch,
  });
  const request = new Request("http://relay.example/", {
    method: verb,
    headers: { "content-type": "application/json", ...headers },
    ...(verb === "POST" && { body }),
  });
  const response = await relay.fetch(request, { clientAddress: "10.0.0.7" });
  const text = await response.text();
  return {
    response,
    text,
    nodeCalls: calls.length,
    forwardedFor: calls[0]?.headers.get("x-forwarded-for"),
    events: usage.events,
  };
}

/** A node that answers the first call of a batch with an error. */
const halfFailing: NodeScript = ({ text }) => {
  const [first, ...rest] = JSON.parse(text) as readonly { id: number }[];
  const error = { code: -32000, message: "missing" };
  return Response.json([
    { jsonrpc: "2.0", id: first!.id, error },
    ...rest.map(({ id }) => ({ jsonrpc: "2.0", id, result: "0x1" })),
  ]);
};

/** A node that fails after it may have seen the request. */
const breaking: NodeScript = () => {
  throw new TypeError("error sending request: connection closed before message completed");
};

/** A node whose server fails. */
const failing: NodeScript = () => new Response("", { status: 500 });

const PAGE = { "origin": "https://app.example" };
const PREFLIGHT = { ...PAGE, "access-control-request-method": "POST", "access-control-request-headers": "x-b" };
const head = (name: string) => ({ response }: Done) => response.headers.get(name);

/** A flag, what is asked, what is looked at, and what that is without the flag and with it. */
const FLAGS: readonly (readonly [string, Scene, (done: Done) => unknown, without: unknown, withIt: unknown])[] = [
  ["--set-relay-retry-limit=1", { node: failing }, (done) => done.nodeCalls, 3, 2],
  ["--set-relay-retry-limit=0", { node: failing }, (done) => done.nodeCalls, 3, 1],
  ["--disable-batch-request-retry=false", { node: breaking, body: BATCH }, (done) => done.nodeCalls, 1, 3],
  ["--batch-node-error-on-any", { node: halfFailing, body: BATCH }, (done) => done.events[0]?.success, true, false],
  ["--max-batch-request-size=1", { body: BATCH }, ({ response }) => response.status, 200, 429],
  ["--max-request-body-bytes=10", {}, ({ response }) => response.status, 200, 413],
  ["--max-response-body-bytes=10", {}, ({ response }) => response.status, 200, 502],
  ["--debug-relays", {}, (done) => head("lava-debug-relay")(done) !== null, false, true],
  ["--enable-selection-stats", {}, (done) => head("lava-selection-stats")(done) !== null, false, true],
  ["--cors-origin=https://other.example", { headers: PAGE }, head("access-control-allow-origin"), "*", null],
  ["--cors-origin=https://app.example", { headers: PAGE }, head("access-control-allow-origin"), "*", PAGE.origin],
  [
    "--cors-origin=https://app.example --cors-credentials=false",
    { headers: PAGE },
    head("access-control-allow-credentials"),
    null,
    null,
  ],
  ["--cors-origin=https://app.example", { headers: PAGE }, head("access-control-allow-credentials"), null, "true"],
  ["--cors-headers=x-a", { headers: PREFLIGHT, verb: "OPTIONS" }, head("access-control-allow-headers"), "x-b", "x-a"],
  [
    "--cors-methods=POST",
    { headers: PREFLIGHT, verb: "OPTIONS" },
    head("access-control-allow-methods"),
    "GET, POST, PUT, DELETE, OPTIONS",
    "POST",
  ],
  [
    "--response-compression=off",
    { headers: { "accept-encoding": "gzip" }, node: answering(() => LONG) },
    head("content-encoding"),
    "gzip",
    null,
  ],
  [
    "--response-compression=brotli",
    { headers: { "accept-encoding": "br" }, node: answering(() => LONG) },
    head("content-encoding"),
    null,
    "br",
  ],
  [
    "--response-compression-min-bytes=1",
    { headers: { "accept-encoding": "gzip" } },
    head("content-encoding"),
    null,
    "gzip",
  ],
  [
    "--trusted-proxy=10.0.0.0/8",
    { headers: { "x-forwarded-for": "192.0.2.1" } },
    (done) => done.forwardedFor?.split(",")[0],
    "10.0.0.7",
    "192.0.2.1",
  ],
];

for (const [flag, scene, look, without, withIt] of FLAGS) {
  Deno.test(`${flag} does what it says`, async () => {
    assertEquals(look(await ask("", scene)), without, "without the flag");
    assertEquals(look(await ask(flag, scene)), withIt, "with the flag");
  });
}

/** Flags that bound how long a node that hangs is waited for, which is far longer without them. */
const TIMEOUTS = [
  "--min-relay-timeout=20ms --default-processing-timeout=1200ms --set-relay-retry-limit=0",
  "--default-processing-timeout=1050ms --set-relay-retry-limit=0",
];

for (const flags of TIMEOUTS) {
  Deno.test(`${flags} ends a call that hangs with 504`, async () => {
    const { response, events } = await ask(flags, { node: hanging() });
    assertEquals([response.status, events[0]?.success], [504, false]);
    assert(events[0]!.latencyMs < 3_000, `${events[0]!.latencyMs} ms`);
  });
}

/** The weights show in the selection's own figures. */
const WEIGHTS = ["availability", "latency", "sync", "stake"];

for (const part of WEIGHTS) {
  Deno.test(`--provider-optimizer-${part}-weight changes what the choice is made from`, async () => {
    const others = WEIGHTS.filter((other) => other !== part).map((other) => `--provider-optimizer-${other}-weight=0`);
    const all = await ask("--enable-selection-stats", {});
    const alone = await ask(["--enable-selection-stats", ...others].join(" "), {});
    const scoreOf = (done: Done) => Number(/=([\d.]+)/.exec(head("lava-selection-stats")(done) ?? "")?.[1]);
    // Five providers with the same stake, of which nothing bad is known.
    const expected = part === "stake" ? Math.sqrt(1 / 5) : 1;
    assert(Math.abs(scoreOf(alone) - expected) < 0.01, `${scoreOf(alone)} by ${part} alone`);
    assert(Math.abs(scoreOf(all) - expected) > 0.05, `${scoreOf(all)} by all`);
  });
}
