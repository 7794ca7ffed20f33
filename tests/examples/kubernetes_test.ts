import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { longestStopMs, relayFlagsOf, stopTimes } from "../support/operator/command_line.ts";
import { documentsOf, examplePath, exampleText, exampleYaml } from "../support/operator/examples.ts";

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
  readonly periodSeconds: number;
  readonly failureThreshold: number;
}

interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef?: { readonly name: string; readonly key: string } };
}

interface StatefulSet {
  readonly spec: {
    readonly replicas: number;
    readonly template: {
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly securityContext: { readonly runAsUser: number };
        readonly containers: readonly [{
          readonly args: readonly string[];
          readonly env: readonly Variable[];
          readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
          readonly startupProbe: Probe;
          readonly livenessProbe: Probe;
          readonly readinessProbe: Probe;
          readonly resources: { readonly limits: { readonly memory: string } };
          readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
        }];
      };
    };
    readonly volumeClaimTemplates: readonly [
      { readonly spec: { readonly resources: { readonly requests: { readonly storage: string } } } },
    ];
  };
}

interface Service {
  readonly spec: { readonly ports: readonly { readonly port: number; readonly targetPort: string }[] };
}

const SET = await exampleYaml<StatefulSet>("kubernetes/stateful_set.yaml");
const { spec: POD } = SET.spec.template;
const [CONTAINER] = POD.containers;
const SECRET = { NODE_URL: "https://node.example/v2/key" };

/** The container's variables, the secret's and the pod's name filled in. */
function variables(): Record<string, string> {
  return Object.fromEntries(CONTAINER.env.map(({ name, value, valueFrom }) => {
    const key = valueFrom?.secretKeyRef?.key;
    return [name, value ?? (key === undefined ? "relaymeter-eth1-0" : SECRET[key as keyof typeof SECRET])];
  }));
}

async function flagsOfPod() {
  const [command, path, ...others] = CONTAINER.args;
  assertEquals([command, path], ["rpcsmartrouter", "/etc/relaymeter/relay.yml"]);
  return await relayFlagsOf([examplePath("kubernetes/relay.yml"), ...others], variables());
}

function mebibytes(text: string): number {
  const [, count, unit] = /^(\d+)(Mi|Gi)$/.exec(text) ?? [];
  assert(count !== undefined, text);
  return Number(count) * (unit === "Gi" ? 1024 : 1);
}

Deno.test("a pod starts a relay with flags that exist; its spool has room on its volume", async () => {
  const flags = await flagsOfPod();
  assert(flags["usage-otel-enabled"] && flags["usage-otel-extended"]);
  const mount = CONTAINER.volumeMounts.find(({ name }) => name === "spool")!.mountPath;
  assert(flags["usage-spool-dir"].startsWith(`${mount}/`));
  const storage = SET.spec.volumeClaimTemplates[0].spec.resources.requests.storage;
  assert(mebibytes(storage) * 2 ** 20 > flags["usage-spool-max-bytes"] * 1.5, storage);
});

Deno.test("a pod has the time to hear of its end, to stop, and to send its events", async () => {
  const flags = await flagsOfPod();
  assert(POD.terminationGracePeriodSeconds * 1_000 >= longestStopMs(flags) + 5_000);
  assertStringIncludes(await exampleText("kubernetes/stateful_set.yaml"), stopTimes(flags));
  // For so long it is still sent requests, at the worst.
  const { periodSeconds, failureThreshold } = CONTAINER.readinessProbe;
  assert(flags["shutdown-delay"] >= periodSeconds * failureThreshold * 1_000);
});

Deno.test("probes and services find what the relay opens", async () => {
  const flags = await flagsOfPod();
  const ports = new Map(CONTAINER.ports.map(({ name, containerPort }) => [name, containerPort]));
  const { startupProbe, livenessProbe, readinessProbe } = CONTAINER;
  const paths = [startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => httpGet.path);
  assertEquals(paths, ["/livez", "/livez", "/readyz"]);
  for (const { httpGet } of [startupProbe, livenessProbe, readinessProbe]) assertEquals(httpGet.port, "metrics");
  assertEquals(flags["metrics-listen-address"], { hostname: "0.0.0.0", port: ports.get("metrics")! });
  const { endpoints } = await exampleYaml<{ endpoints: readonly Record<string, string>[] }>("kubernetes/relay.yml");
  const listened = endpoints.map((endpoint) => [endpoint["api-interface"], endpoint["network-address"]]);
  assertEquals(listened, [["jsonrpc", `0.0.0.0:${ports.get("jsonrpc")}`]]);
  for (const service of documentsOf(await exampleText("kubernetes/services.yaml")) as unknown as Service[]) {
    for (const { port, targetPort } of service.spec.ports) assertEquals(ports.get(targetPort), port);
  }
});

Deno.test("the pod's user is the image's, and one pod may go at a time", async () => {
  assert((await exampleText("container/Dockerfile")).includes(`\nUSER ${POD.securityContext.runAsUser}:`));
  const { spec } = await exampleYaml<{ spec: { minAvailable: number } }>("kubernetes/disruption_budget.yaml");
  assert(spec.minAvailable >= 1 && spec.minAvailable < SET.spec.replicas);
});

Deno.test("the secret that the pod needs is the one that the first lines have created", async () => {
  const text = await exampleText("kubernetes/kustomization.yaml");
  const refs = CONTAINER.env.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef ?? []);
  assert(refs.length > 0);
  for (const { name, key } of refs) {
    assert(text.includes(`kubectl create secret generic ${name} --from-literal=${key}=`), `${name} ${key}`);
    assert((await exampleText("kubernetes/relay.yml")).includes(`\${${key}}`));
  }
});
