import { main } from "./src/cli/main.ts";
import { isStoreWorker, runStoreWorker } from "./src/store/store_worker.ts";

if (import.meta.main) {
  // A relay with --usage-store starts the program once more, as a worker.
  if (isStoreWorker()) runStoreWorker();
  else Deno.exit(await main(Deno.args));
}
