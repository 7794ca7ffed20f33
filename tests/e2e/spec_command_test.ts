import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { runCli } from "../support/relay_process.ts";

const CALL = '{"method":"eth_getBalance","params":["0x0","0x10"]}';
/** A small spec file of one's own, which builds on one that ships with the relay. */
const OWN = {
  proposal: {
    specs: [{
      index: "MY1",
      name: "My chain",
      enabled: true,
      imports: ["ETH1"],
      average_block_time: 2000,
      api_collections: [{
        enabled: true,
        collection_data: { api_interface: "jsonrpc", internal_path: "", type: "POST", add_on: "" },
        apis: [{ name: "my_method", enabled: true, compute_units: 77 }],
      }],
    }],
  },
};

async function withFile<Value>(content: string, use: (path: string, folder: string) => Promise<Value>): Promise<Value> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/own.json`, content);
    return await use(`${folder}/own.json`, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("spec price says what a request would be billed as, without a node", async () => {
  const { code, out } = await runCli("spec", "price", "ETH1", "jsonrpc", CALL);
  assertEquals(code, 0);
  const { api_method, cu, requested_block, extensions } = JSON.parse(out);
  assertEquals([api_method, cu, requested_block, extensions], ["eth_getBalance", 20, { from: 16, to: 16 }, []]);
  const old = await runCli("spec", "price", "ETH1", "jsonrpc", CALL, "--head", "1000");
  assertEquals([JSON.parse(old.out).cu, JSON.parse(old.out).extensions], [100, ["archive"]]);
  const uri = await runCli("spec", "price", "COSMOSHUB", "tendermintrpc", '/block?height="5"');
  assertEquals([JSON.parse(uri.out).api_method, JSON.parse(uri.out).requested_block], ["block", { from: 5, to: 5 }]);
  const rest = await runCli("spec", "price", "COSMOSHUB", "rest", "/cosmos/base/tendermint/v1beta1/blocks/7");
  assertEquals(JSON.parse(rest.out).requested_block, { from: 7, to: 7 });
  const broken = await runCli("spec", "price", "ETH1", "jsonrpc", "{broken");
  assertEquals(broken.code, 2);
  assertStringIncludes(broken.err, "REQUEST: Parse error: the body is not valid JSON");
  const batch = await runCli("spec", "price", "ETH1", "jsonrpc", `[${CALL},{"method":"eth_new"}]`);
  assertEquals(JSON.parse(batch.out).api_method, "eth_getBalance&Default-eth_new");
});

Deno.test("specs are loaded from files, directories and URLs, and used", async () => {
  await withFile(JSON.stringify(OWN), async (path, folder) => {
    await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, ({ url, headers }): Response => {
      const base = new URL(url).origin;
      if (headers.get("authorization") !== "Bearer t0ken") return new Response(null, { status: 404 });
      return new URL(url).pathname === "/own.json"
        ? Response.json(OWN)
        : Response.json([{ name: "README.md" }, { name: "own.json", download_url: `${base}/own.json` }]);
    });
    const base = `http://127.0.0.1:${server.addr.port}`;
    for (const source of [path, folder, `${base}/own.json`, `${base}/contents/specs`]) {
      const token = ["--github-token", "t0ken"];
      const { code, out, err } = await runCli("spec", "list", "--use-static-spec", source, ...token);
      assertEquals([code, err], [0, ""], source);
      assertStringIncludes(out, "MY1");
      assert(/MY1 +My chain +jsonrpc \(79\)/.test(out), out);
    }
    const refused = await runCli("spec", "list", "--use-static-spec", `${base}/own.json`, "--github-token", "wrong");
    assertEquals(refused.code, 2);
    assertStringIncludes(refused.err, "HTTP status 404; check the URL, and --github-token or --gitlab-token");
    assert(!refused.err.includes("wrong"), "the token is not told");
  });
});

Deno.test("what is wrong with a file is told with its path, and nothing is started", async () => {
  const cases: [content: string, message: string][] = [
    ['{"proposal":{"specs":[', "is not JSON"],
    ['{"proposal":{"specs":[{"index":"A","imports":["A"]}]}}', "imports form a cycle: A -> A"],
    ['{"proposal":{"specs":[{"index":"A","average_block_time":-5}]}}', "proposal.specs[0].average_block_time: must be"],
  ];
  for (const [content, message] of cases) {
    await withFile(content, async (path) => {
      const { code, err } = await runCli("spec", "validate", path);
      assertEquals(code, 2);
      assertStringIncludes(err, `${path}: `);
      assertStringIncludes(err, message);
    });
  }
  const missing = await runCli("validate", "--use-static-spec", "/no/such/file.json", "examples/relay.yml");
  assertEquals(missing.code, 2);
  assertStringIncludes(missing.err, "/no/such/file.json: there is no such file or directory");
  const insecure = await runCli("spec", "list", "--use-static-spec", "http://spec.example/a.json?key=s3cret");
  assertStringIncludes(insecure.err, "http://spec.example/a.json: a spec URL must start with https://");
});
