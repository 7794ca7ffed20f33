/**
 * The least that a server can do: it reads the body and gives a fixed answer. `deno run -A --unstable-net
 * fixed_answer.ts PORT`; several processes may share the port.
 */
import { answer } from "./served_answer.ts";

Deno.serve({ hostname: "127.0.0.1", port: Number(Deno.args[0]), reusePort: true, onListen() {} }, answer);
