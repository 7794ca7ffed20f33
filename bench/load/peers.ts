import { freePort } from "../../tests/support/daemon.ts";
import { startRelay } from "../../tests/support/relay_process.ts";
import { type Server, startServer } from "./server.ts";

/** Somebody who is called. */
export interface Peer extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  /** Whether it forgets its compiled code when it was idle for some seconds. */
  readonly coolsDown?: boolean;
}

/** Certificates that a node shows, as files of one folder. */
export interface NodeTls {
  readonly folder: string;
}

const ANSWER = '{"jsonrpc":"2.0","id":1,"result":"0x7a69"}';

/** The node: nginx with a fixed answer. */
export function startNode(tls?: NodeTls): Promise<Server> {
  const certificate = tls === undefined
    ? ""
    : ` ssl; ssl_certificate ${tls.folder}/good.pem; ssl_certificate_key ${tls.folder}/good.key`;
  const answer = `default_type application/json; return 200 '${ANSWER}';`;
  return startNginx((port) => `server { listen 127.0.0.1:${port}${certificate}; location / { ${answer} } }`);
}

/** nginx before the node, with one worker. */
export async function nginxProxy(name: string, node: Server, tls?: NodeTls): Promise<Peer> {
  const verified = tls === undefined ? "" : `proxy_ssl_verify on; proxy_ssl_trusted_certificate ${tls.folder}/ca.pem;
    proxy_ssl_name localhost;`;
  const server = await startNginx((port) =>
    `upstream node { server 127.0.0.1:${node.port}; keepalive 256; keepalive_requests 1000000000; }
  server { listen 127.0.0.1:${port}; location / { proxy_pass ${tls === undefined ? "http" : "https"}://node;
    proxy_http_version 1.1; proxy_set_header Connection ""; ${verified} } }`
  );
  return { name, ...server };
}

/** haproxy before the node, with one thread. */
export async function haproxy(name: string, node: Server): Promise<Peer> {
  const server = await startServer("haproxy", (port) =>
    `global
  nbthread 1
defaults
  mode http
  timeout connect 1s
  timeout client 30s
  timeout server 30s
  http-reuse always
frontend f
  bind 127.0.0.1:${port}
  default_backend b
backend b
  server s 127.0.0.1:${node.port}
`, (file) => ["-f", file, "-db"]);
  return { name, ...server };
}

/** As the task `start` and the container start it. */
const RUN_FLAGS = ["-A", "--v8-flags=--max-semi-space-size=8"];

/** The relay before the node, with its metrics on. */
export async function relay(
  name: string,
  node: Server,
  flags: readonly string[],
  { tls, port = 0 }: { readonly tls?: NodeTls; readonly port?: number } = {},
): Promise<Peer> {
  const target = tls === undefined ? node.url : `https://127.0.0.1:${node.port}/`;
  const args = [`127.0.0.1:${port}`, "ETH1", "jsonrpc", `--upstream=${target}`, "--metrics-listen-address=127.0.0.1:0"];
  const env: Record<string, string> = tls === undefined ? {} : { DENO_CERT: `${tls.folder}/ca.pem` };
  const { urls, pid, [Symbol.asyncDispose]: stop } = await startRelay([...args, ...flags], {
    env,
    runFlags: RUN_FLAGS,
  });
  return { name, url: `${urls[0]!}/`, pid, coolsDown: true, [Symbol.asyncDispose]: stop };
}

/** The runtime's own server with a fixed answer, without a node; several may share a port. */
export async function fixedAnswer(name: string, port = freePort()): Promise<Peer> {
  const program = new URL("fixed_answer.ts", import.meta.url).pathname;
  const args = ["run", "-A", "--unstable-net", program, String(port)];
  return { name, ...await startServer(Deno.execPath(), () => "", () => args, { port }) };
}

/** A collector that takes everything and costs next to nothing. */
export function startCollector(): { readonly url: string } & AsyncDisposable {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    await request.body?.pipeTo(new WritableStream());
    return Response.json({});
  });
  return { url: `http://127.0.0.1:${server.addr.port}`, [Symbol.asyncDispose]: () => server.shutdown() };
}

function startNginx(servers: (port: number) => string): Promise<Server> {
  const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return startServer(
    "nginx",
    (port, folder) =>
      `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log crit; events {}
http { access_log off; keepalive_requests 1000000000;
  ${temp.map((name) => `${name}_temp_path ${folder}/${name};`).join(" ")} ${servers(port)} }`,
    (file, folder) => [
      "-p",
      folder,
      "-c",
      file,
    ],
  );
}
