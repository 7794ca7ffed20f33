/** Relay processes with a spool, what their clients saw, and what arrived. */
import { assert, assertEquals } from "@std/assert";
import type { Collector } from "./collector.ts";
import { type RelayProcess, startRelay } from "./relay_process.ts";

/** A node that answers every call and counts them. */
export function startNode(): { readonly url: string; readonly calls: () => number } & AsyncDisposable {
  let calls = 0;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    calls++;
    const { id } = await request.json();
    return Response.json({ jsonrpc: "2.0", id, result: "0x1" });
  });
  const { port } = server.addr;
  return { url: `http://127.0.0.1:${port}`, calls: () => calls, [Symbol.asyncDispose]: () => server.shutdown() };
}

/** Starts a relay that spools into `directory`. A drain that finds no collector gives up early. */
export async function startSpooling(
  directory: string,
  node: { readonly url: string },
  collector: { readonly url: string },
  ...flags: readonly string[]
): Promise<RelayProcess> {
  return await startRelay([
    ...["127.0.0.1:0", "ETH1", "jsonrpc", "--upstream", node.url],
    ...["--usage-otel-enabled", "--usage-otel-extended", `--usage-otel-endpoint=${collector.url}`],
    ...[`--usage-spool-dir=${directory}`, "--usage-otel-export-timeout=2s", ...flags],
  ]);
}

/** When each client was answered, milliseconds on this process's clock. */
export interface TimedLoad {
  /** Times of the answers by client, in order. */
  readonly answers: ReadonlyMap<string, readonly number[]>;
  /** Answers so far. */
  readonly count: () => number;
  /** Answers that were not the node's. */
  readonly problems: readonly string[];
  /** Lets calls under way end, and sends no more. */
  stop(): Promise<void>;
}

/** Keeps clients calling, each of them one call after the other, under a project of its own. */
export function startTimedLoad(url: string, prefix: string, clients = 8): TimedLoad {
  const answers = new Map<string, number[]>();
  const problems: string[] = [];
  let isStopped = false;
  const client = async (project: string) => {
    const times: number[] = [];
    answers.set(project, times);
    for (let id = 0; !isStopped; id++) {
      let response: { status: number; text: string };
      try {
        const answer = await fetch(url, {
          method: "POST",
          headers: { "content-type": "application/json", "project-id": project },
          body: JSON.stringify({ jsonrpc: "2.0", id, method: "eth_blockNumber", params: [] }),
        });
        response = { status: answer.status, text: await answer.text() };
      } catch {
        return;
      }
      if (response.status === 200) times.push(performance.now());
      // 503 is what a relay says that has been asked to stop.
      else if (response.status !== 503) problems.push(`${response.status} ${response.text}`);
    }
  };
  const running = Array.from({ length: clients }, (_, index) => client(`${prefix}-${index}`));
  return {
    answers,
    count: () => [...answers.values()].reduce((sum, times) => sum + times.length, 0),
    problems,
    async stop() {
      isStopped = true;
      await Promise.all(running);
    },
  };
}

/** Comes back when the condition holds; throws, with what it was about, after `timeoutMs`. */
export async function until(
  what: string,
  isThere: () => boolean | Promise<boolean>,
  timeoutMs = 10_000,
): Promise<void> {
  for (const endMs = performance.now() + timeoutMs; !(await isThere());) {
    if (performance.now() > endMs) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Asks a relay to end, and reads its last word: counts of `relay_usage` by name. Checks the ledger's equation. */
export async function finalLedger(relay: RelayProcess): Promise<Record<string, number>> {
  relay.kill("SIGTERM");
  assertEquals(await relay.exited, 0);
  const line = relay.log.find(({ message }) => message === "stopped; final ledger");
  assert(line !== undefined, JSON.stringify(relay.log));
  const counts: Record<string, number> = {};
  for (const [name, count] of Object.entries(line)) {
    if (name.startsWith("relay_usage_")) counts[name.slice("relay_usage_".length)] = Number(count);
  }
  const { accepted, ...rest } = counts;
  assertEquals(Object.values(rest).reduce((sum, count) => sum + count, 0), accepted!, JSON.stringify(counts));
  assertEquals([counts["queued"], counts["in_flight"]], [0, 0]);
  return counts;
}

/** Records that a relay found on disk when it started. */
export function adoptedBy(relay: RelayProcess): number {
  const line = relay.log.find(({ message }) => String(message).includes("were found on disk"));
  return Number(line?.["records"] ?? 0);
}

/** Event ids that have arrived, each once, with the project that is charged. */
export function arrivedAt(collector: Collector): Map<string, string> {
  assertEquals(collector.problems, []);
  const projects = new Map<string, string>();
  for (const { attributes } of collector.records) {
    const id = String(attributes["event_id"]?.[1]);
    const project = String(attributes["project"]?.[1]);
    assertEquals(projects.get(id) ?? project, project, `two events have the id ${id}`);
    projects.set(id, project);
  }
  return projects;
}

/** Events that have arrived of each project, duplicates left out. */
export function countByProject(arrived: ReadonlyMap<string, string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const project of arrived.values()) counts.set(project, (counts.get(project) ?? 0) + 1);
  return counts;
}

/**
 * Checks that every answered call has its event, and that there is none beyond the one call of each client that its
 * relay's end may have cut off.
 */
export function assertAllArrived(collector: Collector, ...loads: readonly TimedLoad[]): void {
  const counts = countByProject(arrivedAt(collector));
  for (const { answers, problems } of loads) {
    assertEquals(problems, []);
    for (const [project, { length }] of answers) {
      const events = counts.get(project) ?? 0;
      assert(events === length || events === length + 1, `${project}: ${length} answers, ${events} events`);
    }
  }
}

/** Checks that no life has a hole in its sequence below the highest number that has arrived. */
export function assertNoHoles(collector: Collector): void {
  const highest = new Map<string, { count: number; max: number }>();
  for (const id of arrivedAt(collector).keys()) {
    const boot = id.slice(0, id.lastIndexOf("/"));
    const { count, max } = highest.get(boot) ?? { count: 0, max: 0 };
    highest.set(boot, { count: count + 1, max: Math.max(max, Number(id.slice(boot.length + 1))) });
  }
  for (const [boot, { count, max }] of highest) assertEquals(count, max, `sequence of ${boot}`);
}
