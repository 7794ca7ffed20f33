/** A real Kafka broker: one process that is broker and controller, from Maven Central. */
import { cacheFolder, run, say } from "./collector_build.ts";
import { freePort } from "./collector_otel.ts";

const VERSION = "3.9.1";

/** Kafka as it can be started: its address is known before it listens. */
export interface Kafka extends AsyncDisposable {
  readonly address: string;
  /** Starts the broker, waits until it answers, and makes the topics. */
  start(topics: readonly string[]): Promise<void>;
  /** Reads `count` messages of a topic from the beginning, or what has come when none follows for a while. */
  read(topic: string, count: number): Promise<string[]>;
}

/** Prepares a broker; undefined, and a line that says why, where it can't be had. */
export async function prepareKafka(folder: string): Promise<Kafka | undefined> {
  const classpath = await installKafka();
  if (classpath === undefined) return undefined;
  const [port, controllerPort] = [freePort(), freePort()];
  const address = `127.0.0.1:${port}`;
  const java = ["-Xmx384m", "-cp", classpath];
  const settings = `${folder}/server.properties`;
  await Deno.writeTextFile(
    settings,
    [
      "process.roles=broker,controller",
      "node.id=1",
      `listeners=PLAINTEXT://${address},CONTROLLER://127.0.0.1:${controllerPort}`,
      `advertised.listeners=PLAINTEXT://${address}`,
      `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
      "controller.listener.names=CONTROLLER",
      `log.dirs=${folder}/kafka`,
      "offsets.topic.replication.factor=1",
      "group.initial.rebalance.delay.ms=0",
      "auto.create.topics.enable=false",
    ].join("\n"),
  );
  const tool = async (name: string, ...args: readonly string[]) => {
    const result = await run("timeout", ["60", "java", ...java, name, ...args]);
    if (!result.success) throw new Error(`${name}: ${result.out}${result.err}`.slice(0, 2_000));
    return result.out;
  };
  await tool("kafka.tools.StorageTool", "format", "-t", "4L6g3nShT-eMCtK--X86sw", "-c", settings);
  let broker: Deno.ChildProcess | undefined;
  return {
    address,
    async start(topics) {
      broker = new Deno.Command("java", {
        args: [...java, "kafka.Kafka", settings],
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn();
      const args = ["--bootstrap-server", address, "--create", "--partitions", "3", "--topic"];
      // The tool waits for the broker itself.
      for (const topic of topics) await tool("org.apache.kafka.tools.TopicCommand", ...args, topic);
    },
    async read(topic, count) {
      const out = await tool(
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
        ...["--bootstrap-server", address, "--topic", topic, "--from-beginning"],
        ...["--max-messages", String(count), "--timeout-ms", "10000"],
      );
      return out.split("\n").filter((line) => line.startsWith("{"));
    },
    async [Symbol.asyncDispose]() {
      if (broker === undefined) return;
      broker.kill("SIGKILL");
      await broker.status;
    },
  };
}

/** Java's class path to Kafka, fetched with Maven on first use. */
async function installKafka(): Promise<string | undefined> {
  const folder = `${cacheFolder()}/kafka-${VERSION}`;
  const classpath = `${folder}/lib/*`;
  try {
    await Deno.stat(`${folder}/lib`);
    return classpath;
  } catch {
    // Not there yet.
  }
  const java = await run("java", ["-version"]);
  if (!java.success) return void say("skipped: Kafka, because there is no java");
  await Deno.mkdir(folder, { recursive: true });
  const dependency = (name: string) =>
    `<dependency><groupId>org.apache.kafka</groupId><artifactId>${name}</artifactId><version>${VERSION}</version></dependency>`;
  await Deno.writeTextFile(
    `${folder}/pom.xml`,
    `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>relaymeter</groupId><artifactId>kafka</artifactId><version>1</version>
<dependencies>${dependency("kafka_2.13")}${dependency("kafka-tools")}</dependencies></project>`,
  );
  const work = await Deno.makeTempDir({ dir: folder, prefix: "lib-" });
  const args = ["300", "mvn", "-q", "-B", "dependency:copy-dependencies", `-DoutputDirectory=${work}`];
  const got = await run("timeout", args, { cwd: folder });
  if (!got.success) {
    const why = (got.out + got.err).split("\n").find((line) => line.includes("ERROR")) ??
      "Maven could not get it in 5 min";
    return void say(`skipped: Kafka, because ${why}`);
  }
  await Deno.rename(work, `${folder}/lib`);
  return classpath;
}
