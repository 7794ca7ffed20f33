/** A node, relays and clients in front of a real collector: who did what is known exactly. */
import { assert, assertEquals } from "@std/assert";
import { type Counts, finalLedger, tally } from "./bill.ts";
import type { Ask, TableRow } from "./collector_tables.ts";
import type { RelayProcess } from "./relay_process.ts";
import { startRelay } from "./relay_process.ts";

/** A node on a socket. It answers every call, `eth_getLogs` with an error, and a batch call by call. */
export function startAnsweringNode(): { readonly url: string } & AsyncDisposable {
  const answer = ({ id, method }: { id: unknown; method: string }) =>
    method === "eth_getLogs"
      ? { jsonrpc: "2.0", id, error: { code: -32000, message: "query returned more than 10000 results" } }
      : { jsonrpc: "2.0", id, result: "0x1" };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const body = await request.json();
    return Response.json(Array.isArray(body) ? body.map(answer) : answer(body));
  });
  return { url: `http://127.0.0.1:${server.addr.port}`, [Symbol.asyncDispose]: () => server.shutdown() };
}

/** Starts a relay whose events have ids and leave soon. */
export async function startBilledRelay(
  node: { readonly url: string },
  collector: { readonly url: string },
  ...flags: readonly string[]
): Promise<RelayProcess> {
  return await startRelay([
    ...["127.0.0.1:0", "ETH1", "jsonrpc", "--upstream", node.url],
    ...["--usage-otel-enabled", "--usage-otel-extended", `--usage-otel-endpoint=${collector.url}`],
    ...["--usage-otel-flush-interval=20ms", "--usage-otel-batch-size=50", ...flags],
  ]);
}

/** Sends one request of a project, and reads the answer. */
export async function send(url: string, project: string, body: unknown, origin?: string): Promise<void> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", "project-id": project, ...(origin !== undefined && { origin }) },
    body: JSON.stringify(body),
  });
  await response.text();
  assertEquals(response.status, 200);
}

/** A JSON-RPC call. */
export function call(method: string, id = 1): Record<string, unknown> {
  return { jsonrpc: "2.0", id, method, params: [] };
}

/** Asks a relay to end; comes back with the counts of its final ledger that are not 0. */
export async function endRelay(relay: RelayProcess): Promise<Counts> {
  relay.kill("SIGTERM");
  assertEquals(await relay.exited, 0);
  return finalLedger(relay.log);
}

/** What has arrived at the far end. */
export interface Arrived {
  readonly rows: number;
  /** Events by project, each counted once. */
  readonly byProject: Counts;
  readonly distinct: number;
  /** Rows of the query that looks for holes. */
  readonly holes: readonly TableRow[];
}

/** Reads the far end: raw rows, events without duplicates, and holes in their numbers. */
export async function readArrived(ask: Ask, queries: Readonly<Record<string, string>>): Promise<Arrived> {
  const [raw] = await ask("SELECT count(*) AS n FROM relay_usage_arrived");
  const projects = await ask("SELECT project FROM relay_usage");
  return {
    rows: Number(raw!["n"]),
    byProject: tally(projects.map(({ project }) => String(project))),
    distinct: projects.length,
    holes: await ask(queries["lost"]!),
  };
}

/** Holds the far end against the ledger: what was exported is there, what was dropped is not, and no more than that. */
export function assertSettled(arrived: Arrived, ledger: Counts): void {
  const { accepted = 0, exported = 0, ...rest } = ledger;
  const lost = Object.values(rest).reduce((sum, count) => sum + count, 0);
  assertEquals(exported + lost, accepted, "the ledger's equation");
  assertEquals(arrived.distinct, exported, JSON.stringify(ledger));
  const missing = arrived.holes.reduce((sum, hole) => sum + Number(hole["missing"]), 0);
  // What is lost at the very end leaves no hole.
  assert(missing <= lost, `${missing} are missing and ${lost} are on the ledger`);
}
