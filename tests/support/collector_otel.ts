/** OpenTelemetry Collector processes with the configurations of `examples/collector`. */
import { EXAMPLES, type OtelCollector } from "./collector_build.ts";

/** A collector that is up. */
export interface RunningCollector extends AsyncDisposable {
  /** URL of its logs endpoint. */
  readonly url: string;
  /** What it has said so far. */
  readonly log: () => string;
  /** Sends a signal, and comes back when it has ended. */
  end(signal: Deno.Signal): Promise<void>;
}

/** Options of a collector. */
export interface CollectorOptions {
  /** Where it puts what it has: files and queues. */
  readonly folder: string;
  readonly port?: number;
  readonly env?: Record<string, string>;
}

/** Names of the examples' destinations, `to_<name>.yaml`. */
export type Destination = "files" | "kafka" | "s3" | "clickhouse";

/** The arguments with which the collector takes a destination. */
export function configArgs(destination: Destination): string[] {
  return ["--config", `${EXAMPLES}collector.yaml`, "--config", `${EXAMPLES}to_${destination}.yaml`];
}

/** Starts a collector, and waits until it says that it is ready. */
export async function startOtelCollector(
  { binary }: OtelCollector,
  destination: Destination,
  { folder, port = freePort(), env = {} }: CollectorOptions,
): Promise<RunningCollector> {
  const child = new Deno.Command(binary, {
    args: configArgs(destination),
    env: {
      OTLP_LISTEN: `127.0.0.1:${port}`,
      METRICS_PORT: String(freePort()),
      USAGE_DIR: `${folder}/usage`,
      QUEUE_DIR: `${folder}/queue`,
      ...env,
    },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let log = "";
  let hasEnded = false;
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
  const reading = (async () => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      log += text;
      if (log.includes("Everything is ready")) resolve();
    }
    hasEnded = true;
    reject(new Error(`the collector ended: ${log.slice(-2_000)}`));
  })();
  const end = async (signal: Deno.Signal) => {
    if (!hasEnded) child.kill(signal);
    await reading;
    await child.status;
  };
  await ready.catch(async (error) => {
    await child.status;
    throw error;
  });
  return {
    url: `http://127.0.0.1:${port}/v1/logs`,
    log: () => log,
    end,
    [Symbol.asyncDispose]: () => end("SIGKILL"),
  };
}

/** A port of loopback that nobody uses. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
