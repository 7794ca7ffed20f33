import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { liveRelayOf } from "../../src/ui/live_event.ts";
import { LiveFeed } from "../../src/ui/live_feed.ts";
import { hostsOf, UiHandler } from "../../src/ui/ui_handler.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { relayEvent } from "../support/usage.ts";

function setUp() {
  const clock = new FakeClock();
  const feed = new LiveFeed({ clock });
  const handler = new UiHandler(feed, { hosts: hostsOf("0.0.0.0", 7780, ["meter.example"]), maxWatchers: 2 });
  const get = (path: string, headers: Record<string, string> = {}, method = "GET") =>
    handler.fetch(
      new Request(`http://127.0.0.1:7780${path}`, { method, headers: { host: "127.0.0.1:7780", ...headers } }),
    );
  return { clock, feed, handler, get };
}

Deno.test("the page is served with a policy that lets nothing else in, and loads nothing from elsewhere", async () => {
  const { get } = setUp();
  for (
    const [path, type] of [["/", "text/html"], ["/page.css", "text/css"], ["/page.js", "text/javascript"]] as const
  ) {
    const response = get(path);
    assertEquals(response.status, 200);
    assertStringIncludes(response.headers.get("content-type")!, type);
    const policy = response.headers.get("content-security-policy")!;
    assertStringIncludes(policy, "default-src 'none'");
    assert(!policy.includes("unsafe"), policy);
    const text = (await response.text()).replace("http://www.w3.org/2000/svg", "");
    assertEquals(text.match(/https?:|\/\/cdn|innerHTML|outerHTML|insertAdjacentHTML|document\.write/g), null);
  }
  assertEquals([get("/nowhere").status, get("/__proto__").status, get("/", {}, "POST").status], [404, 404, 405]);
});

Deno.test("requests that come for another name, or from another site, are refused", () => {
  const { get } = setUp();
  const status = (headers: Record<string, string>, path = "/events") => {
    const response = get(path, headers);
    response.body?.cancel();
    return response.status;
  };
  for (
    const host of [
      "127.0.0.1:7780",
      "localhost:7780",
      "[::1]:7780",
      "LOCALHOST:7780",
      "meter.example",
      "meter.example:7780",
    ]
  ) {
    assertEquals(status({ host }), 200, host);
  }
  for (
    const host of ["evil.example", "evil.example:7780", "127.0.0.1", "127.0.0.1:80", "localhost.evil.example:7780", ""]
  ) {
    assertEquals(status({ host }), 403, host);
    assertEquals(status({ host }, "/"), 403, host);
  }
  assertEquals(status({ origin: "http://127.0.0.1:7780" }), 200);
  assertEquals(status({ origin: "https://meter.example", host: "meter.example" }), 200);
  for (const origin of ["https://evil.example", "null", "http://localhost:7780"]) assertEquals(status({ origin }), 403);
  assertEquals(status({ "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors" }), 403);
  assertEquals(status({ "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }), 403);
  assertEquals(status({ "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }, "/"), 200);
  assertEquals(status({ "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" }), 200);
});

Deno.test("events are streamed, pages are bounded, and one that has gone is forgotten", async () => {
  const { clock, feed, handler, get } = setUp();
  const response = get("/events");
  assertEquals(response.headers.get("content-type"), "text/event-stream");
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  assertStringIncludes((await reader.read()).value!, "event: hello\ndata: {");
  feed.pushRelay(liveRelayOf(relayEvent({ project: "two\nlines" })));
  await clock.advance(1_000);
  const { value } = await reader.read();
  assertStringIncludes(value!, 'event: tick\ndata: {"timeUnixMs":');
  assertStringIncludes(value!, '"project":"two\\nlines"');
  assertEquals(value!.split("\n").length, 4, "one line of data");

  const second = get("/events");
  assertEquals(get("/events").status, 503);
  await second.body!.cancel();
  assertEquals(feed.watcherCount, 1);
  handler.close();
  assertEquals((await reader.read()).done, true);
  assertEquals([feed.watcherCount, clock.pending], [0, 0]);
});

Deno.test("a page that does not read is cut off", async () => {
  const { clock, feed, get } = setUp();
  const response = get("/events");
  await clock.advance(60_000);
  assertEquals([feed.watcherCount, clock.pending], [0, 0]);
  let count = 0;
  for await (const _chunk of response.body!) count++;
  assert(count > 5 && count < 30, `${count} messages were held`);
});
