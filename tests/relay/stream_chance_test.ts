import { assert, assertEquals } from "@std/assert";
import type { RelayUsageEvent } from "../../src/domain/usage_event.ts";
import { providersAt, startGrpcRelay } from "../support/grpc_relay.ts";
import {
  ANSWER_HEAD,
  answerWith,
  failWith,
  GrpcClient,
  message,
  startGrpcNode,
  statusOf,
} from "../support/grpc_wire.ts";
import type { Side } from "../support/http2_streams.ts";
import { seededRandom } from "../support/seeded_random.ts";

type Random = () => number;

function below(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}

/** What a node does with a call, by chance. */
function behave(random: Random, side: Side): void {
  const { stream } = side;
  const later = (act: () => void) => setTimeout(act, below(random, 15));
  switch (below(random, 9)) {
    case 0:
      return failWith(side, String(1 + below(random, 16)), "by chance");
    case 1:
      return void later(() => stream.reset(below(random, 14)));
    case 2:
      return; // Never says anything.
    case 3:
      stream.sendHead(ANSWER_HEAD, false);
      for (let i = below(random, 20); i > 0; i--) {
        stream.sendData(message(new Uint8Array(below(random, 30_000))), false);
      }
      return void later(() => stream.sendTrailers([["grpc-status", random() < 0.7 ? "0" : "13"]]));
    case 4:
      stream.sendHead(ANSWER_HEAD, false);
      return void later(() => stream.reset(2));
    case 5:
      return stream.sendHead(
        [[":status", random() < 0.5 ? "503" : "200"], ["content-type", "text/html"]],
        random() < 0.5,
      );
    default:
      return void side.bodyEnded.promise.then(() => later(() => answerWith(side, "x".repeat(below(random, 50_000)))));
  }
}

/** One call of a client, by chance; comes back with whether the client ended it itself. */
async function call(
  random: Random,
  client: GrpcClient,
  project: string,
): Promise<{ side: Side; isCancelled: boolean }> {
  const method = ["test.Node/Read", "test.Node/Write", "test.Node/Subscribe", "un.Known/Method"][below(random, 4)];
  const timeouts = [["lava-relay-timeout", "30ms"], ["grpc-timeout", "150m"]] as const;
  const side = client.open(`/${method}`, [["project-id", project], ...timeouts]);
  side.reads = random() < 0.9;
  for (let i = below(random, 4); i > 0; i--) {
    side.stream.sendData(message(new Uint8Array(below(random, 200_000) * random() ** 4)), false);
  }
  const endsBody = random() < 0.8;
  if (endsBody) side.stream.sendData(message("last"), true);
  let isCancelled = false;
  if (random() < 0.15) {
    await new Promise((resolve) => setTimeout(resolve, below(random, 40)));
    isCancelled = !side.isOver;
    side.stream.reset(8);
  }
  await side.over.promise;
  return { side, isCancelled };
}

for (const seed of [1, 2, 3]) {
  Deno.test(`whatever nodes and clients do, each call has one event, and it is true: seed ${seed}`, async () => {
    const random = seededRandom(seed);
    const nodes = await Promise.all([0, 1, 2].map(() => startGrpcNode((side) => behave(random, side))));
    const results = new Map<string, Awaited<ReturnType<typeof call>>>();
    let events: readonly RelayUsageEvent[];
    {
      await using relay = await startGrpcRelay({ providers: providersAt(...nodes.map(({ port }) => port)) });
      await using client = await GrpcClient.connect(relay.port);
      const loops = Array.from({ length: 20 }, async (_, loop) => {
        for (let i = 0; i < 15; i++) {
          const project = `${loop}-${i}`;
          results.set(project, await call(random, client, project));
        }
      });
      await Promise.all(loops);
      await relay.listener.close(1_000);
      ({ events } = relay.usage);
    }
    assertEquals(events.length, results.size);
    assertEquals(new Set(events.map(({ project }) => project)).size, results.size);
    for (const event of events) {
      const { side, isCancelled } = results.get(event.project)!;
      const at = `${event.project}: ${JSON.stringify(event)} and status ${statusOf(side)}`;
      assert(event.attempts >= 1 && event.attempts <= 4, at);
      if (isCancelled) continue;
      // Who does not read until the deadline is told by a reset, whatever there was to be read.
      if (!side.reads && side.failure?.code === 8) continue;
      // A node's reset in midstream is the client's; everything else has a status.
      if (side.failure !== undefined) assert(!event.success && side.failure.by === "peer", at);
      else assertEquals([at, event.success], [at, statusOf(side) === "0"]);
    }
    for (const node of nodes) {
      assertEquals(node.server.openStreams, 0);
      await node[Symbol.asyncDispose]();
    }
    // Timers of the nodes' own behaviour.
    await new Promise((resolve) => setTimeout(resolve, 20));
  });
}
