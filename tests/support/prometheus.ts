/** Prometheus and its promtool, from Debian: what the machine has, or what apt-get can get. */

/** Whether both can be run. Says aloud when not. */
export async function hasPrometheus(): Promise<boolean> {
  return await hasDebianPackage("prometheus", ["prometheus", "promtool"]);
}

/** Whether programs can be run, after an attempt to install the package that has them. Says aloud when not. */
export async function hasDebianPackage(
  name: string,
  programs: readonly string[],
  question = "--version",
): Promise<boolean> {
  const isThere = async () =>
    (await Promise.all(programs.map((program) => succeeds(program, question)))).every(Boolean);
  if (await isThere()) return true;
  await succeeds("apt-get", "install", "-y", "--no-install-recommends", name);
  if (await isThere()) return true;
  // deno-lint-ignore no-console -- who runs the tests is to know what they did not test
  console.log(`skipped: ${name}, because it is not installed and apt-get can't get it`);
  return false;
}

async function succeeds(program: string, ...args: string[]): Promise<boolean> {
  try {
    const nothing = { stdin: "null", stdout: "null", stderr: "null" } as const;
    return (await new Deno.Command(program, { args, ...nothing }).output()).success;
  } catch {
    return false;
  }
}

/** Runs promtool, with a text on its standard input. */
export async function promtool(args: readonly string[], input = ""): Promise<{ code: number; text: string }> {
  const pipes = { stdin: "piped", stdout: "piped", stderr: "piped" } as const;
  const child = new Deno.Command("promtool", { args: [...args], ...pipes }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

/** A Prometheus that scrapes one target once a second. */
export interface PrometheusProcess extends AsyncDisposable {
  /** The result of a query at this moment: a value for each series. */
  query(expression: string): Promise<readonly QueryResult[]>;
  /** The alerts of the rule files, once they have been looked at. */
  alerts(): Promise<readonly Alert[]>;
}

/** An alert, and whether Prometheus could work with it: `ok`, `err`, or `unknown` before it has. */
export interface Alert {
  readonly name: string;
  readonly query: string;
  readonly health: string;
}

/** One series of a result. */
export interface QueryResult {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [unixSeconds: number, value: string];
}

/** Starts a Prometheus and waits until it is ready. */
export async function startPrometheus(target: string, ruleFiles: readonly string[] = []): Promise<PrometheusProcess> {
  const folder = await Deno.makeTempDir();
  const config = {
    global: { scrape_interval: "1s", evaluation_interval: "1s" },
    rule_files: ruleFiles,
    scrape_configs: [{ job_name: "relaymeter", static_configs: [{ targets: [target] }] }],
  };
  await Deno.writeTextFile(`${folder}/prometheus.yml`, JSON.stringify(config));
  const reserved = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `127.0.0.1:${reserved.addr.port}`;
  reserved.close();
  const args = [
    `--config.file=${folder}/prometheus.yml`,
    `--storage.tsdb.path=${folder}/data`,
    `--web.listen-address=${address}`,
  ];
  const child = new Deno.Command("prometheus", { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
  const get = async (path: string) => await (await fetch(`http://${address}${path}`)).json();
  await until(async () => {
    const response = await fetch(`http://${address}/-/ready`);
    await response.body?.cancel();
    return response.ok;
  });
  return {
    async query(expression) {
      const { status, data, error } = await get(`/api/v1/query?query=${encodeURIComponent(expression)}`);
      if (status !== "success") throw new Error(`${expression}: ${error}`);
      return data.result;
    },
    async alerts() {
      const { data } = await get("/api/v1/rules");
      return data.groups.flatMap(({ rules }: { rules: readonly Alert[] }) => rules);
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Asks until the answer is yes; throws after 20 s. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (const endMs = performance.now() + 20_000; performance.now() < endMs;) {
    if (await isSo().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("it did not come to that within 20 s");
}
