/**
 * What the embedded collector stores in a second: a collector process of its own, and batches of 1,000 extended
 * records from four senders at once. `deno run -A bench/store/collector.ts [SECONDS]`
 */
import { UsageLogRecord, UsageResource } from "../../src/usage/log_record.ts";
import { ByteBuffer } from "../../src/usage/otlp/byte_buffer.ts";
import { jsonEncoding } from "../../src/usage/otlp/encode_json.ts";
import { protobufEncoding } from "../../src/usage/otlp/encode_protobuf.ts";
import type { OtlpEncoding } from "../../src/usage/otlp/encoding.ts";
import { eventOf } from "../usage/event.ts";

const SENDERS = 4;
const BATCH = 1_000;
const CLOCK_TICKS_PER_SECOND = 100;
const seconds = Number(Deno.args[0] ?? 10);
const resource = new UsageResource({ "service.name": "bench", "service.instance.id": "bench-1" });

function encodeBatch(encoding: OtlpEncoding, boot: string, firstSequence: number): Uint8Array<ArrayBuffer> {
  const records = new ByteBuffer(2 ** 20);
  for (let sequence = firstSequence; sequence < firstSequence + BATCH; sequence++) {
    const id = `bench-1/${boot}/${sequence}`;
    encoding.appendRecord(records, new UsageLogRecord(eventOf(sequence), id, resource, Date.now()));
  }
  return encoding.encodeRequest(resource, records.view());
}

/** Seconds of CPU that a process has used. */
function cpuSecondsOf(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
}

async function measure(name: string, encoding: OtlpEncoding, compression: "none" | "gzip"): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "relaymeter-bench-" });
  const path = `${directory}/usage.db`;
  const cli = new URL("../../cli.ts", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", cli, "collector", path, "--listen", "127.0.0.1:0"],
    stderr: "piped",
  }).spawn();
  const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  const { address } = JSON.parse((await reader.read()).value!.split("\n")[0]!);
  const boot = crypto.randomUUID();
  let next = 1;
  let acknowledged = 0;
  const startMs = performance.now();
  const cpuBefore = cpuSecondsOf(child.pid);
  const send = async () => {
    while (performance.now() - startMs < seconds * 1000) {
      const first = next;
      next += BATCH;
      let body = encodeBatch(encoding, boot, first);
      const headers: Record<string, string> = { "content-type": encoding.contentType };
      if (compression === "gzip") {
        const zipped = new Response(body).body!.pipeThrough(new CompressionStream("gzip"));
        body = new Uint8Array(await new Response(zipped).arrayBuffer());
        headers["content-encoding"] = "gzip";
      }
      const response = await fetch(`http://${address}/v1/logs`, { method: "POST", headers, body });
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`the collector answered ${response.status}`);
      acknowledged += BATCH;
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, send));
  const tookSeconds = (performance.now() - startMs) / 1000;
  const cpuUs = (cpuSecondsOf(child.pid) - cpuBefore) / acknowledged * 1e6;
  const bytes = ["", "-wal"].reduce((sum, end) => sum + Deno.statSync(path + end).size, 0);
  child.kill("SIGKILL");
  await reader.cancel();
  await child.status;
  await Deno.remove(directory, { recursive: true });
  const row = {
    eventsPerSecond: Math.round(acknowledged / tookSeconds),
    cpuUs: Number(cpuUs.toFixed(1)),
    bytesPerEvent: Math.round(bytes / acknowledged),
  };
  Deno.stdout.writeSync(new TextEncoder().encode(`${name.padEnd(18)} ${JSON.stringify(row)}\n`));
}

await measure("protobuf", protobufEncoding, "none");
await measure("protobuf, gzip", protobufEncoding, "gzip");
await measure("json", jsonEncoding, "none");
