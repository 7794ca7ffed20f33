import { assertEquals } from "@std/assert";
import { type ClientSocket, Outboxes } from "../../src/hosts/websocket_outbox.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** A socket whose client reads when it is told to. */
class FakeSocket implements ClientSocket {
  bufferedAmount = 0;
  isOpen = true;
  send(text: string): boolean {
    if (this.isOpen) this.bufferedAmount += text.length;
    return this.isOpen;
  }
  /** As the platform's: what waits is kept, and no longer told. */
  close(): void {
    this.isOpen = false;
    this.bufferedAmount = 0;
  }
}

function start(maxBufferedBytes: number, maxBufferedBytesInAll: number) {
  const clock = new FakeClock();
  const outboxes = new Outboxes(clock, { maxBufferedBytes, maxBufferedBytesInAll });
  const open = () => {
    const socket = new FakeSocket();
    return { socket, outbox: outboxes.open(socket) };
  };
  return { clock, outboxes, open };
}

Deno.test("a client may have so much waiting; one message may be larger where nothing waits", () => {
  const { open, outboxes } = start(100, 1_000_000);
  const { outbox, socket } = open();
  assertEquals(outbox.send("x".repeat(500)), "taken");
  assertEquals(outbox.send("x"), "slow");
  socket.bufferedAmount = 60;
  assertEquals([outbox.send("x".repeat(40)), outbox.send("x")], ["taken", "slow"]);
  assertEquals(outboxes.bytes, 100);
});

Deno.test("bounds that are changed hold for those that are open", () => {
  const { open, outboxes } = start(100, 1_000_000);
  const { outbox } = open();
  assertEquals([outbox.send("x".repeat(60)), outbox.send("x".repeat(60))], ["taken", "slow"]);
  outboxes.setOptions({ maxBufferedBytes: 200, maxBufferedBytesInAll: 1_000_000 });
  assertEquals(outbox.send("x".repeat(60)), "taken");
});

Deno.test("a socket that is no longer open takes nothing", () => {
  const { open, outboxes } = start(100, 1_000_000);
  const { outbox, socket } = open();
  socket.isOpen = false;
  assertEquals([outbox.send("x"), outboxes.bytes], ["closed", 0]);
});

Deno.test("what a closing socket keeps counts until it has ended, and the others may have the less", async () => {
  const { open, outboxes, clock } = start(1_000_000, 1_000_000);
  const stuck = open();
  assertEquals(stuck.outbox.send("x".repeat(950_000)), "taken");
  stuck.outbox.close(1013, "slow");
  assertEquals([stuck.outbox.send("x"), outboxes.bytes], ["closed", 950_000]);
  const other = open();
  await clock.advance(1_000);
  // Over the bound of all: 64 KiB for each that has something waiting.
  assertEquals(other.outbox.send("x".repeat(60_000)), "taken");
  assertEquals(other.outbox.send("x".repeat(6_000)), "slow");
  // Over twice the bound: in one message either.
  const third = open();
  assertEquals(third.outbox.send("x".repeat(990_001)), "slow");
  assertEquals(third.outbox.send("x".repeat(900_000)), "taken");
  third.outbox.ended();
  stuck.outbox.ended();
  stuck.outbox.ended();
  assertEquals(outboxes.bytes, 60_000);
  assertEquals(other.outbox.send("x".repeat(500_000)), "taken");
});

Deno.test("what was read since does not count: all are looked at before a client is held to less", async () => {
  const { open, outboxes, clock } = start(1_000_000, 1_000_000);
  const readers = Array.from({ length: 10 }, open);
  for (const { outbox, socket } of readers) {
    outbox.send("x".repeat(100_000));
    socket.bufferedAmount = 0;
  }
  assertEquals(outboxes.bytes, 1_000_000);
  const { outbox } = open();
  assertEquals(outbox.send("x".repeat(100_000)), "taken");
  assertEquals(outboxes.bytes, 100_000);
  // Not at every message, though: that would cost more than it is worth.
  for (const reader of readers.slice(0, 9)) {
    reader.outbox.send("x".repeat(100_000));
    reader.socket.bufferedAmount = 0;
  }
  readers[9]!.socket.bufferedAmount = 10;
  assertEquals(readers[9]!.outbox.send("x".repeat(100_000)), "slow");
  await clock.advance(250);
  assertEquals(readers[9]!.outbox.send("x".repeat(100_000)), "taken");
});
