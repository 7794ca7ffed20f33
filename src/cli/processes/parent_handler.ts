import type { ListenerFetch } from "../../hosts/probes.ts";
import { mergeMetrics } from "./merge_metrics.ts";
import type { ProcessState } from "./supervisor.ts";

/** What a process says. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** What the handler works with. */
export interface ParentHandlerDeps {
  processes(): readonly ProcessState[];
  isStopping(): boolean;
  /** Asks a process by `GET`. */
  readonly ask: (url: string, signal: AbortSignal) => Promise<Answer>;
}

/** How long a process may take to answer, milliseconds: one that hangs is as one that is away. */
const TIMEOUT_MS = 3_000;

/** Answers for all processes: `/metrics`, whose samples say by `process` whose they are, and the health of all together. */
export function createParentHandler(deps: ParentHandlerDeps): ListenerFetch {
  return async (request) => {
    if (request.method !== "GET" && request.method !== "HEAD") return text("only GET is served here", 405);
    switch (new URL(request.url).pathname) {
      case "/livez":
        return json(200, { status: "live" });
      case "/readyz": {
        const { ready, reasons } = await readiness(deps);
        return ready > 0 ? json(200, { status: "ready" }) : json(503, { status: "not ready", reasons });
      }
      case "/metrics/overall-health": {
        const { ready, reasons } = await readiness(deps);
        return ready > 0 && reasons.length === 0 ? text("Health status OK", 200) : text("Health status not OK", 503);
      }
      case "/metrics": {
        const pages = await askAll(deps, "/metrics");
        const answering = new Set(pages.map(({ slot }) => slot));
        const body = mergeMetrics(pages) + ownMetrics(deps.processes(), answering);
        return new Response(body, { headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" } });
      }
      case "/provider_optimizer_metrics": {
        const pages = await askAll(deps, "/provider_optimizer_metrics");
        if (pages.length === 0) break;
        return json(
          200,
          pages.flatMap(({ slot, text }) => JSON.parse(text).map((row: object) => ({ ...row, process: slot }))),
        );
      }
    }
    return text("not found; ask for /metrics", 404);
  };
}

/** How many processes are ready, and why others are not. */
async function readiness(deps: ParentHandlerDeps): Promise<{ ready: number; reasons: string[] }> {
  if (deps.isStopping()) return { ready: 0, reasons: ["it is shutting down"] };
  let ready = 0;
  const reasons: string[] = [];
  await Promise.all(
    deps.processes().map(async ({ slot, isServing, metrics }) => {
      const response = isServing && metrics !== "" ? await ask(deps, metrics, "/readyz") : undefined;
      if (response?.status === 200 || (isServing && metrics === "")) {
        ready++;
        return;
      }
      const why: readonly string[] = response === undefined ? ["it does not serve"] : JSON.parse(response.text).reasons;
      reasons.push(...why.map((reason) => `process ${slot}: ${reason}`));
    }),
  );
  return { ready, reasons: reasons.sort() };
}

/** The answers of all that give one, in the order of the slots. */
async function askAll(deps: ParentHandlerDeps, path: string): Promise<{ slot: number; text: string }[]> {
  const answers = await Promise.all(
    deps.processes().map(async ({ slot, metrics }) => {
      const response = metrics === "" ? undefined : await ask(deps, metrics, path);
      return response?.status === 200 ? [{ slot, text: response.text }] : [];
    }),
  );
  return answers.flat();
}

async function ask({ ask }: ParentHandlerDeps, address: string, path: string): Promise<Answer | undefined> {
  try {
    return await ask(`http://${address}${path}`, AbortSignal.timeout(TIMEOUT_MS));
  } catch {
    return undefined;
  }
}

function ownMetrics(processes: readonly ProcessState[], answering: ReadonlySet<number>): string {
  const family = (name: string, type: string, help: string, read: (state: ProcessState) => number) =>
    [
      `# HELP lava_rpcsmartrouter_${name} ${help}`,
      `# TYPE lava_rpcsmartrouter_${name} ${type}`,
      ...processes.map((state) => `lava_rpcsmartrouter_${name}{process="${state.slot}"} ${read(state)}`),
      "",
    ].join("\n");
  return family("process_up", "gauge", "1 while the process answers.", ({ slot }) => Number(answering.has(slot))) +
    family("process_restarts_total", "counter", "How often it was started again.", ({ restarts }) => restarts);
}

function json(status: number, body: unknown): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store" } });
}

function text(body: string, status: number): Response {
  return new Response(body, { status, headers: { "content-type": "text/plain; charset=utf-8" } });
}
