import * as v from "valibot";
import { API_INTERFACES } from "../domain/api_interface.ts";
import { DURATION_PATTERN } from "../domain/duration.ts";
import { ADDRESS_PATTERN, parseAddress } from "./address.ts";
import { RELAY_FLAGS } from "./flags.ts";
import { IGNORED_FLAGS } from "./foreign_flags.ts";
import { type Mistake, unknownName } from "./mistake.ts";

/**
 * An object that has these members and no others. Reports every unknown member, which `strictObject` does not; the
 * issue's message lists the known ones.
 */
function closedObject<const Entries extends v.ObjectEntries>(entries: Entries): v.ObjectSchema<Entries, string> {
  // What it takes is what an object of these entries takes: of the rest there is nothing.
  const schema: unknown = v.objectWithRest(entries, v.never(Object.keys(entries).join(" ")), MEMBERS);
  return schema as v.ObjectSchema<Entries, string>;
}

const MEMBERS = "must have members, written name: value";

const text = v.pipe(v.string("must be a text"), v.nonEmpty("must not be empty"));
const listOf = <Item extends v.GenericSchema>(item: Item) => v.array(item, "must be a list");
const texts = v.optional(listOf(text));
const DURATION = "must be a duration such as 500ms, 10s or 1m30s";
const duration = v.pipe(v.string(DURATION), v.regex(DURATION_PATTERN, DURATION));
const ADDRESS = "must be host:port with a port from 0 to 65535";
const address = v.pipe(
  v.string(ADDRESS),
  v.regex(ADDRESS_PATTERN, ADDRESS),
  v.check((value) => parseAddress(value) !== undefined, ADDRESS),
);
const apiInterface = v.picklist(API_INTERFACES, `must be ${API_INTERFACES.join(", ")}`);
const flag = v.optional(v.boolean("must be true or false"));

const WHOLE = "must be a whole number, 0 or more";

const nodeUrl = closedObject({
  "url": text,
  "addons": texts,
  "internal-path": v.optional(v.string("must be a text")),
  "timeout": v.optional(duration),
  "ip-forwarding": flag,
  "skip-verifications": texts,
  "methods": texts,
  "auth-config": v.optional(closedObject({
    "auth-headers": v.optional(v.record(v.string(), v.string("must be a text"), MEMBERS)),
    "auth-query": v.optional(v.string("must be a text")),
    "use-tls": flag,
    "allow-insecure": flag,
    "cert-pem": v.optional(v.string("must be a text")),
    "key-pem": v.optional(v.string("must be a text")),
    "cacert-pem": v.optional(v.string("must be a text")),
  })),
  "grpc-config": v.optional(closedObject({
    // Messages pass as bytes, so that nothing has to be known of them.
    "descriptor-source": v.optional(v.string("must be a text")),
    "allow-insecure": flag,
  })),
});

const provider = closedObject({
  "name": v.optional(text),
  "chain-id": text,
  "api-interface": apiInterface,
  "stake": v.optional(v.pipe(v.number(WHOLE), v.integer(WHOLE), v.minValue(0, WHOLE))),
  "node-urls": v.pipe(listOf(nodeUrl), v.minLength(1, "needs at least one URL")),
});

const PATH = "must be a path such as /eth1/jsonrpc";

const endpoint = closedObject({
  "chain-id": text,
  "api-interface": apiInterface,
  "network-address": address,
  "path": v.optional(v.pipe(v.string(PATH), v.regex(/^(\/[\w.~-]+)+$/, PATH))),
  "grpc-web-address": v.optional(address),
  "tls-enabled": flag,
  "tls-cert-file": v.optional(text),
  "tls-key-file": v.optional(text),
  "health-check-path": v.optional(text),
});

const LIMIT = "must be a whole number, 1 or more";
const limit = v.optional(v.pipe(v.number(LIMIT), v.safeInteger(LIMIT), v.minValue(1, LIMIT)));

const project = closedObject({
  "id": text,
  "units-per-second": limit,
  "units-per-day": limit,
});

const providers = v.optional(listOf(provider));

/** The flags that a file may set. Providers are what a file is for, so that `upstream` is none of them. */
const { upstream: _upstream, ...fileFlags } = RELAY_FLAGS;

type WrittenFlags = {
  [Name in keyof typeof fileFlags]: v.OptionalSchema<(typeof fileFlags)[Name]["written"], undefined>;
};

const flagEntries: unknown = Object.fromEntries([
  ...Object.entries(fileFlags).map(([name, { written }]) => [name, v.optional<v.GenericSchema>(written)]),
  ...Object.keys(IGNORED_FLAGS).map((name) => [name, v.optional(v.unknown())]),
]);

/** The configuration file, with the member names of the ecosystem. */
export const fileSchema = closedObject({
  "$schema": v.optional(v.string("must be a text")),
  ...flagEntries as WrittenFlags,
  "endpoints": v.pipe(listOf(endpoint), v.minLength(1, "needs at least one endpoint")),
  "static-providers": providers,
  "direct-rpc": providers,
  "backup-providers": providers,
  "backup-direct-rpc": providers,
  "projects": v.optional(listOf(project)),
});

/** Whether the format has a number or a truth value under this name; undefined for anything else. */
export function scalarTypeOf(member: string): "number" | "boolean" | undefined {
  return SCALAR_TYPES.get(member);
}

const SCALAR_TYPES = new Map<string, "number" | "boolean">();
collectScalarTypes(fileSchema, "");

function collectScalarTypes(schema: SchemaNode, member: string): void {
  if (schema.type === "number" || schema.type === "boolean") SCALAR_TYPES.set(member, schema.type);
  for (const [name, entry] of Object.entries(schema.entries ?? {})) collectScalarTypes(entry, name);
  for (const inner of [schema.wrapped, schema.item]) if (inner !== undefined) collectScalarTypes(inner, member);
}

/** What is looked at of a schema. */
interface SchemaNode {
  readonly type: string;
  readonly entries?: Readonly<Record<string, SchemaNode>>;
  readonly wrapped?: SchemaNode;
  readonly item?: SchemaNode;
}

/** Every mistake in the shape of a file's content. */
export function checkFileShape(content: unknown): Mistake[] {
  if (content === null || content === undefined) return [{ path: [], message: "the file is empty" }];
  if (typeof content !== "object" || Array.isArray(content)) {
    return [{ path: [], message: "the file must have the members endpoints and static-providers at the top" }];
  }
  return v.safeParse(fileSchema, content).issues?.map(toMistake) ?? [];
}

/** Members whose values are shown when they are wrong. Of others it can't be known that they hold no key. */
const SHOWN = [
  ...Object.entries(fileFlags).filter(([, flag]) => !("isSecret" in flag)).map(([name]) => name),
  "addons",
  "api-interface",
  "chain-id",
  "health-check-path",
  "network-address",
  "stake",
  "timeout",
  "tls-cert-file",
  "tls-enabled",
  "tls-key-file",
  "units-per-day",
  "units-per-second",
];

function toMistake(issue: v.BaseIssue<unknown>): Mistake {
  const path = issue.path?.map(({ key }) => key as string | number) ?? [];
  const last = String(path.at(-1) ?? "");
  if (issue.type === "never") {
    const known = issue.message.split(" ");
    // A URL in the wrong place can be a member's name, and hold a key.
    if (/^[\w-]{1,40}$/.test(last)) return { path, message: unknownName("member", last, known) };
    return { path: path.slice(0, -1), message: `has a member that is not known; known: ${known.join(", ")}` };
  }
  if (issue.received === "undefined") return { path, message: "is missing" };
  const isShown = SHOWN.includes(last) && issue.received.length <= 40 && !/[/@]{2}/.test(issue.received);
  return { path, message: isShown ? `${issue.message}; is ${issue.received}` : issue.message };
}
