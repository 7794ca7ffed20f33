import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { documentsOf, examplePath, exampleYaml } from "../support/operator/examples.ts";
import { type Typed, typeErrors } from "../support/operator/typed.ts";
import { hasDebianPackage } from "../support/prometheus.ts";

const KUBERNETES = "npm:kubernetes-models@5.1.0";
const OPERATOR = "npm:@kubernetes-models/prometheus-operator@6.0.0";

/** What a kind of object is called in the types, and where. */
const TYPES: Readonly<Record<string, Omit<Typed, "value">>> = {
  "v1 ConfigMap": { module: `${KUBERNETES}/v1/ConfigMap`, type: "IConfigMap" },
  "v1 Service": { module: `${KUBERNETES}/v1/Service`, type: "IService" },
  "apps/v1 StatefulSet": { module: `${KUBERNETES}/apps/v1/StatefulSet`, type: "IStatefulSet" },
  "policy/v1 PodDisruptionBudget": {
    module: `${KUBERNETES}/policy/v1/PodDisruptionBudget`,
    type: "IPodDisruptionBudget",
  },
  "monitoring.coreos.com/v1 ServiceMonitor": {
    module: `${OPERATOR}/monitoring.coreos.com/v1/ServiceMonitor`,
    type: "IServiceMonitor",
  },
};

function typed(document: Record<string, unknown>): Typed {
  const kind = `${document["apiVersion"]} ${document["kind"]}`;
  assert(Object.hasOwn(TYPES, kind), `no type for ${kind}`);
  return { ...TYPES[kind]!, value: document };
}

Deno.test("kubectl makes of the folder what Kubernetes has fields for, and all of it belongs together", async () => {
  if (!await hasDebianPackage("kubernetes-client", ["kubectl"], "--help")) return;
  const { code, stdout, stderr } = await new Deno.Command("kubectl", {
    args: ["kustomize", examplePath("kubernetes")],
    stdin: "null",
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const documents = documentsOf(new TextDecoder().decode(stdout));
  const monitor = await exampleYaml<Record<string, unknown>>("kubernetes/service_monitor.yaml");
  const errors = await typeErrors([...documents, monitor].map(typed));
  if (errors === undefined) return;
  assertEquals(errors, "");

  const text = JSON.stringify(documents);
  const [config] = documents.filter(({ kind }) => kind === "ConfigMap") as [{ metadata: { name: string } }];
  assertStringIncludes(text, `"configMap":{"name":"${config.metadata.name}"}`);
  const services = documents.filter(({ kind }) => kind === "Service") as { metadata: { name: string } }[];
  assert(services.some(({ metadata }) => text.includes(`"serviceName":"${metadata.name}"`)));
  const selectors = documents.flatMap(({ spec }) => (spec as { selector?: unknown } | undefined)?.selector ?? []);
  assertEquals(selectors.length, documents.length - 1, "each but the configuration names its pods");
});

Deno.test("a field that Kubernetes does not have is found", async () => {
  const monitor = await exampleYaml<{ spec: Record<string, unknown> }>("kubernetes/service_monitor.yaml");
  const errors = await typeErrors([typed({ ...monitor, spec: { ...monitor.spec, endpoint: [] } })]);
  if (errors !== undefined) assertStringIncludes(errors, "'\"endpoint\"' does not exist");
});
