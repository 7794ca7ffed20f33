/** What wrk has seen. */
export interface WrkResult {
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** How wrk calls. */
export interface WrkOptions {
  readonly seconds: number;
  readonly connections: number;
  /** About so many requests a second, at moments of chance; as many as there can be by default. */
  readonly rate?: number | undefined;
}

const SCRIPT = `wrk.method = "POST"
wrk.body = '{"jsonrpc":"2.0","id":7,"method":"eth_chainId","params":[]}'
wrk.headers["content-type"] = "application/json"
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end`;

/** Has wrk call a URL for some seconds. Throws when an answer was no success. */
export async function runWrk(url: string, { seconds, connections, rate }: WrkOptions): Promise<WrkResult> {
  const script = await Deno.makeTempFile({ suffix: ".lua" });
  // Each connection waits this long at the most between its calls, half of it in the middle.
  const pauseMs = rate === undefined ? 0 : Math.max(1, Math.round(connections / rate * 2_000));
  const pause = rate === undefined ? "" : `\nfunction delay() return math.random(0, ${pauseMs}) end`;
  await Deno.writeTextFile(script, SCRIPT + pause);
  const { stdout } = await new Deno.Command("wrk", {
    args: ["-t1", `-c${connections}`, `-d${seconds}s`, "-s", script, url],
  }).output();
  await Deno.remove(script);
  const match = /RESULT (\d+) (\d+) (\d+) (\d+) (\d+)/.exec(new TextDecoder().decode(stdout));
  if (match === null) throw new Error("wrk gave no result");
  const [requests, durationUs, p50Us, p99Us, errors] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  if (errors > 0) throw new Error(`${errors} of ${requests} requests to ${url} failed`);
  return { requests, perSecond: requests / durationUs * 1e6, p50Ms: p50Us / 1000, p99Ms: p99Us / 1000 };
}
