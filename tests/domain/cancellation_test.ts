import { assert, assertEquals } from "@std/assert";
import { Canceller, toAbortSignal } from "../../src/domain/cancellation.ts";

Deno.test("listeners are told once, in their order, and not those that have gone", () => {
  const canceller = new Canceller();
  const told: string[] = [];
  const gone = () => told.push("gone");
  canceller.addEventListener("abort", gone);
  canceller.addEventListener("abort", { handleEvent: () => told.push("object") });
  const twice = () => told.push("function");
  canceller.addEventListener("abort", twice);
  canceller.addEventListener("abort", twice);
  canceller.removeEventListener("abort", gone);
  assertEquals(canceller.aborted, false);
  canceller.abort();
  canceller.abort();
  assertEquals([canceller.aborted, told], [true, ["object", "function"]]);
});

Deno.test("a single listener can go, and can take others with it while it is told", () => {
  const alone = new Canceller();
  const told: string[] = [];
  const only = () => told.push("only");
  alone.addEventListener("abort", only);
  alone.removeEventListener("abort", only);
  alone.abort();
  assertEquals(told, []);

  const canceller = new Canceller();
  const second = () => told.push("second");
  canceller.addEventListener("abort", () => canceller.abort());
  canceller.addEventListener("abort", second);
  canceller.abort();
  assertEquals(told, ["second"]);
});

Deno.test("the platform's signal follows, and is the same where it is one already", () => {
  const { signal } = new AbortController();
  assert(toAbortSignal(signal) === signal);
  const canceller = new Canceller();
  const following = toAbortSignal(canceller);
  assertEquals(following.aborted, false);
  canceller.abort();
  assertEquals([following.aborted, toAbortSignal(canceller).aborted], [true, true]);
});
