// Runs a Worker's bundle in workerd: `node miniflare.cjs <miniflare's folder> <bundle> <bindings as JSON>`. Prints its URL, and
// ends when stdin does.
const [, , folder, scriptPath, bindings] = process.argv;
const { dirname } = require("node:path");
const { Miniflare } = require(folder);

const worker = new Miniflare({
  modules: true,
  modulesRoot: dirname(scriptPath),
  scriptPath,
  compatibilityDate: "2026-07-01",
  compatibilityFlags: ["enable_request_signal"],
  host: "127.0.0.1",
  port: 0,
  bindings: JSON.parse(bindings),
});
worker.ready.then(({ origin }) => process.stdout.write(`${origin}\n`));
process.stdin.resume();
process.stdin.on("end", () => worker.dispose().then(() => process.exit(0)));
