import { assertEquals } from "@std/assert";
import { mergeMetrics } from "../../../src/cli/processes/merge_metrics.ts";
import { createParentHandler } from "../../../src/cli/processes/parent_handler.ts";
import type { ProcessState } from "../../../src/cli/processes/supervisor.ts";

const PAGE = `# HELP calls_total Calls.
# TYPE calls_total counter
calls_total{method="a{b} c"} 1
calls_total{} 2
# HELP up Up.
# TYPE up gauge
up 1
`;

Deno.test("samples of several processes stand together by family, and say whose they are", () => {
  const merged = mergeMetrics([{ slot: 1, text: PAGE }, { slot: 2, text: "# HELP up Up.\n# TYPE up gauge\nup 0\n" }]);
  assertEquals(
    merged,
    `# HELP calls_total Calls.
# TYPE calls_total counter
calls_total{process="1",method="a{b} c"} 1
calls_total{process="1"} 2
# HELP up Up.
# TYPE up gauge
up{process="1"} 1
up{process="2"} 0
`,
  );
  assertEquals(mergeMetrics([]), "");
});

Deno.test("one health of all: ready while any process is, healthy when all are", async () => {
  const state = (slot: number, isServing: boolean): ProcessState => ({
    slot,
    isServing,
    metrics: isServing ? `p${slot}:1` : "",
    restarts: 0,
  });
  let processes: ProcessState[] = [];
  let isStopping = false;
  const ill = { status: "not ready", reasons: ["no provider"] };
  const handler = createParentHandler({
    processes: () => processes,
    isStopping: () => isStopping,
    ask: (url) => {
      if (url.includes("p9:")) return Promise.reject(new TypeError("refused"));
      return Promise.resolve(
        url.includes("p3:") ? { status: 503, text: JSON.stringify(ill) } : { status: 200, text: "{}" },
      );
    },
  });
  const ask = async (path: string) => {
    const response = await handler(new Request(`http://relay.example${path}`), {});
    return `${response.status} ${await response.text()}`;
  };
  const both = async () => [(await ask("/readyz")).slice(0, 3), (await ask("/metrics/overall-health")).slice(0, 3)];
  processes = [state(1, true), state(2, true)];
  assertEquals(await both(), ["200", "200"]);
  processes = [state(1, true), state(2, false)];
  assertEquals(await both(), ["200", "503"]);
  processes = [state(3, true), state(9, true)];
  assertEquals(await both(), ["503", "503"]);
  assertEquals(
    await ask("/readyz"),
    '503 {"status":"not ready","reasons":["process 3: no provider","process 9: it does not serve"]}',
  );
  assertEquals(await ask("/livez"), '200 {"status":"live"}');
  processes = [state(1, true)];
  isStopping = true;
  assertEquals(await ask("/readyz"), '503 {"status":"not ready","reasons":["it is shutting down"]}');
  processes = [state(1, true), state(9, true)];
  const page = (await ask("/metrics")).split("\n");
  assertEquals(page.filter((line) => line.includes("process_up{")).map((line) => line.slice(-1)), ["1", "0"]);
  const post = await handler(new Request("http://relay.example/metrics", { method: "POST" }), {});
  assertEquals([post.status, (await ask("/")).slice(0, 3)], [405, "404"]);
});
