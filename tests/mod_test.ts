import { runInNewContext } from "node:vm";
import { assert, assertEquals } from "@std/assert";
import * as mod from "../mod.ts";

Deno.test("the exports of the module are these", () => {
  assertEquals(Object.keys(mod).sort(), [
    "API_INTERFACES",
    "ConfigError",
    "MemoryCache",
    "NoopUsageSink",
    "OptimizerQosSampler",
    "ProjectBudgets",
    "SpecSet",
    "createMetrics",
    "createMetricsHandler",
    "createOtelUsageSink",
    "createPathRouter",
    "createRelay",
    "defineConfig",
    "readSpecFile",
    "silentLog",
    "systemClock",
  ]);
});

Deno.test("the module relays where there are no globals but the web's", async () => {
  const bundle = await Deno.makeTempFile({ suffix: ".js" });
  try {
    const program = new URL("support/portable_program.ts", import.meta.url).pathname;
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["bundle", "--quiet", "--platform", "browser", "--format", "iife", "--output", bundle, program],
      cwd: new URL("../", import.meta.url).pathname,
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    const web = { fetch, Request, Response, Headers, URL, TextEncoder, TextDecoder, AbortController, performance };
    const context: Record<string, unknown> = { ...web, setTimeout, clearTimeout };
    runInNewContext(await Deno.readTextFile(bundle), context);
    assertEquals(await context["result"], '200 {"jsonrpc":"2.0","id":7,"result":"0x1"}');
  } finally {
    await Deno.remove(bundle);
  }
});

Deno.test("mistakes in a relay's options are all reported at once", () => {
  const providers = [{ name: "a", nodeUrls: [{ url: "ftp://node.example" }] }, { name: "a", nodeUrls: [] }];
  try {
    mod.createRelay({
      chainId: "ETH2",
      providers,
      healthCheckPath: "health",
      corsOrigin: "app",
      trustedProxies: ["10.0.0.0/33"],
    });
  } catch (error) {
    const { mistakes } = error as mod.ConfigError;
    assertEquals(mistakes.map(({ path }) => path.join(".")).sort(), [
      "chainId",
      "corsOrigin",
      "healthCheckPath",
      "providers.0.nodeUrls.0.url",
      "providers.1.name",
      "providers.1.nodeUrls",
      "trustedProxies",
    ]);
    return;
  }
  throw new Error("the options were taken");
});
