import { addressText } from "../config/address.ts";
import type { ConfigDocument } from "../config/config_document.ts";
import type { Environment } from "../config/environment.ts";
import type { EndpointConfig } from "../config/file_content.ts";
import type { Flag } from "../config/flag_types.ts";
import { type FlagTable, RELAY_FLAGS, type RelayFlags } from "../config/flags.ts";
import { MASK, maskCredentials, maskNodeUrl } from "../config/mask.ts";
import type { Printed, PrintedMap, PrintedValue } from "../config/print_config.ts";
import { describeSource } from "../config/source.ts";
import { OTEL_VARIABLES } from "../config/usage_options.ts";
import type { LoadedConfig } from "./load_config.ts";

/** What a relay would run with, each value with its source, and nothing in it that may be a key. */
export function resolvedConfig(loaded: LoadedConfig, environment: Environment): PrintedMap {
  const listed = loaded.file === undefined ? ofArguments(loaded) : ofFile(loaded.file.path, loaded.file.document);
  return { ...listed, ...ofFlags(loaded, environment) };
}

/** Values that members have where the file leaves them out. */
const ENDPOINT_DEFAULTS: Defaults = { "tls-enabled": false, "health-check-path": "/lava/health" };
const NODE_URL_DEFAULTS: Defaults = { "internal-path": "", "timeout": "0s", "ip-forwarding": false };

type Defaults = Readonly<Record<string, string | boolean>>;

/** The lists of a file under their first names, and the prefix of providers that have none. */
const LISTS = [
  ["endpoints", ["endpoints"], ""],
  ["static-providers", ["static-providers", "direct-rpc"], "provider"],
  ["backup-providers", ["backup-providers", "backup-direct-rpc"], "backup"],
  ["projects", ["projects"], ""],
] as const;

function ofFile(path: string, document: ConfigDocument): PrintedMap {
  const sourceOf = (place: readonly (string | number)[]) => {
    const line = document.lineOf(place);
    return describeSource({ kind: "file", path, ...(line !== undefined && { line }) });
  };
  /** What stands at a place; where variables were put in, what stands there is shown, and not what they hold. */
  const printed = (value: unknown, place: readonly (string | number)[]): Printed => {
    if (Array.isArray(value)) {
      if (value.some((item) => typeof item === "object")) {
        return value.map((item, index) => printed(item, [...place, index]) as PrintedMap);
      }
      const items = value.map((item, index) => document.templateOf([...place, index]) ?? item);
      return { value: items, source: sourceOf(place) };
    }
    if (typeof value !== "object" || value === null) {
      return { value: masked(place, document.templateOf(place) ?? value), source: sourceOf(place) };
    }
    const members = Object.entries(value).filter(([, member]) => member !== undefined)
      .map(([name, member]): [string, Printed] => [name, printed(member, [...place, name])]);
    const list = place.at(-2);
    return { ...Object.fromEntries(members), ...defaultsOf(list, value) };
  };
  const content = document.content as Readonly<Record<string, unknown>>;
  return Object.fromEntries(LISTS.map(([list, names, prefix]) => [
    list,
    names.flatMap((name) =>
      ((content[name] ?? []) as readonly unknown[]).map((value, index) => {
        const map = printed(value, [name, index]) as PrintedMap;
        if (prefix === "" || "name" in map) return map;
        return { name: { value: `${prefix}-${index + 1}`, source: "default" }, ...map };
      })
    ),
  ]));
}

/** The defaults of what a list holds, as far as the file leaves them out. */
function defaultsOf(list: string | number | undefined, given: object): PrintedMap {
  const defaults = list === "endpoints" ? ENDPOINT_DEFAULTS : list === "node-urls" ? NODE_URL_DEFAULTS : {};
  return Object.fromEntries(
    Object.entries(defaults).filter(([name]) => !(name in given))
      .map(([name, value]) => [name, { value, source: "default" }]),
  );
}

/** A value of a file without what may be a key. */
function masked(place: readonly (string | number)[], value: unknown): PrintedValue["value"] {
  const [member, parent] = [place.at(-1), place.at(-2)];
  if (member === "url") return maskNodeUrl(String(value));
  const isKey = parent === "auth-headers" || member === "auth-query" || member === "key-pem";
  if (isKey && value !== "") return MASK;
  return value as PrintedValue["value"];
}

/** The listeners of the command line, each with the providers behind it. */
function ofArguments({ endpoints, sources }: LoadedConfig): PrintedMap {
  const argument = (value: string) => ({ value, source: "argument" });
  const upstream = describeSource(sources.upstream);
  const chainOf = ({ relay: { chainId, apiInterface = "jsonrpc" } }: EndpointConfig) => ({
    "chain-id": argument(chainId),
    "api-interface": argument(apiInterface),
  });
  return {
    endpoints: endpoints.map((endpoint) => ({
      ...chainOf(endpoint),
      "network-address": argument(addressText(endpoint.address)),
      ...defaultsOf("endpoints", {}),
    })),
    "static-providers": endpoints.flatMap((endpoint) =>
      endpoint.relay.providers.map(({ name, nodeUrls }) => ({
        name: { value: name, source: "default" },
        ...chainOf(endpoint),
        "node-urls": nodeUrls.map(({ url, addons = [], skipVerifications = [] }) => ({
          url: { value: maskNodeUrl(url), source: upstream },
          addons: { value: addons, source: "default" },
          "skip-verifications": { value: skipVerifications, source: "default" },
        })),
      }))
    ),
  };
}

/** Flags whose values are URLs, which are shown but for what may be a key in them. */
const URL_FLAGS = ["cache-redis-url", "usage-otel-endpoint", "use-static-spec"];

function ofFlags(loaded: LoadedConfig, environment: Environment): PrintedMap {
  const { sources, flags } = loaded;
  const table: FlagTable = RELAY_FLAGS;
  const names = Object.keys(table).filter((name) => name !== "upstream") as Exclude<keyof RelayFlags, "upstream">[];
  return Object.fromEntries(names.map((name): [string, PrintedValue] => {
    const flag = table[name]!;
    const standIn = flags["usage-otel-enabled"] && sources[name].kind === "default"
      ? otelVariable(name, environment)
      : undefined;
    const texts = standIn?.texts ?? loaded.texts[name] ?? [flag.defaultText];
    const source = standIn?.source ?? describeSource(sources[name]);
    const templateOf = (index: number) =>
      sources[name].kind === "file"
        ? loaded.file?.document.templateOf(flag.kind === "list" ? [name, index] : [name])
        : undefined;
    const shown = texts.map((text, index) => {
      if (URL_FLAGS.includes(name)) return maskCredentials(templateOf(index) ?? text);
      if (name === "usage-otel-headers") return text.replace(/=[^,]*/g, `=${MASK}`);
      return flag.isSecret && text !== "" ? MASK : templateOf(index) ?? text;
    }).filter((text) => flag.kind !== "list" || text !== "");
    return [name, { value: flag.kind === "list" ? shown : asWritten(shown[0]!, flag), source }];
  }));
}

/** What OpenTelemetry's own variables say where a flag says nothing. */
function otelVariable(name: string, environment: Environment) {
  const variables = Object.entries(OTEL_VARIABLES).find(([flag]) => flag === name)?.[1] ?? [];
  const variable = variables.find((each) => environment.get(each));
  return variable && { texts: [environment.get(variable)!], source: describeSource({ kind: "environment", variable }) };
}

/** The text as a file would have it: numbers and truth values as such, durations and words as text. */
function asWritten(text: string, { initial, placeholder }: Flag<unknown>): string | number | boolean {
  if (text === "true" || text === "false") return typeof initial === "boolean" ? text === "true" : text;
  const isNumber = typeof initial === "number" && placeholder !== "DURATION" && /^-?\d+(\.\d+)?$/.test(text);
  return isNumber ? Number(text) : text;
}
