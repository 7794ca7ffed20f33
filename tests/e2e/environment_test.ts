import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { runCliWith, startRelay } from "../support/relay_process.ts";

const TRIPLE = ["127.0.0.1:0", "ETH1", "jsonrpc"];
/** Nothing listens there. */
const NOWHERE = "http://127.0.0.1:1";

Deno.test("a relay takes its flags from the environment, and says in the log what it does not take", async () => {
  await using relay = await startRelay([...TRIPLE, "--log-level=debug"], {
    env: {
      RELAYMETER_UPSTREAM: `${NOWHERE},${NOWHERE}/2`,
      RELAYMETER_LOG_LEVEL: "error",
      RELAYMETER_MAX_BATCH_REQUEST_SIZE: "1",
      RELAYMETER_UPSTREAMS: "http://user:K3Y@node.example",
    },
  });
  const messages = relay.log.map(({ level, message }) => `${level} ${message}`);
  assertEquals(relay.log.find(({ message }) => message === "relay is listening")?.["providers"], 2);
  assert(
    messages.includes("DEBUG RELAYMETER_LOG_LEVEL is not used: --log-level takes precedence"),
    messages.join("\n"),
  );
  assert(
    messages.includes(
      "WARN the environment variable RELAYMETER_UPSTREAMS is not known and not used; did you mean RELAYMETER_UPSTREAM?",
    ),
    messages.join("\n"),
  );
  assert(!JSON.stringify(relay.log).includes("K3Y"));
  const call = '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}';
  const response = await fetch(relay.urls[0]!, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: `[${call},${call}]`,
  });
  assertStringIncludes(await response.text(), "batch");
  assertEquals(response.status, 429);
});

Deno.test("wrong variables end any command with 2, together with its other mistakes", async () => {
  const env = { RELAYMETER_LOG_LEVEL: "loud", RELAYMETER_MAX_AGE: "old" };
  const relay = await runCliWith(["rpcsmartrouter", ...TRIPLE, "--upstream=ftp://x"], env);
  const collector = await runCliWith(["collector", "usage.db", "--ui=nowhere"], env);
  assertEquals([relay.code, collector.code], [2, 2]);
  for (const word of ["RELAYMETER_LOG_LEVEL", '"loud"', "--upstream"]) assertStringIncludes(relay.err, word);
  for (const word of ["RELAYMETER_MAX_AGE", '"old"', "--ui"]) assertStringIncludes(collector.err, word);
});
