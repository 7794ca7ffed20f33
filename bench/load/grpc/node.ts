/** A node that answers every call with 100 bytes, and a collector that takes everything. Prints both ports. */
import { systemClock } from "../../../src/domain/clock.ts";
import { createDenoWire } from "../../../src/http2/deno_wire.ts";

const ANSWER = new Uint8Array(105);
ANSWER[4] = 100;

const server = await createDenoWire(systemClock).listen({
  hostname: "127.0.0.1",
  port: 0,
  onStream({ stream }) {
    const answer = () => {
      stream.sendHead([[":status", "200"], ["content-type", "application/grpc"]], false);
      stream.sendData(ANSWER, false);
      stream.sendTrailers([["grpc-status", "0"]]);
    };
    return {
      onHead() {},
      onData(chunk, isEnd) {
        stream.consume(chunk.length);
        if (isEnd) answer();
      },
      onTrailers: answer,
      onWritten() {},
      onEnd() {},
    };
  },
});
const collector = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
  await request.arrayBuffer();
  return new Response("{}", { headers: { "content-type": "application/json" } });
});
Deno.stdout.writeSync(new TextEncoder().encode(`${server.port} ${collector.addr.port}\n`));
