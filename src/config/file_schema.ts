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
function closedObject<const Entries extends v.ObjectEntries>(
  title: string,
  entries: Entries,
): v.ObjectSchema<Entries, string> {
  // What it takes is what an object of these entries takes: of the rest there is nothing.
  const schema: unknown = v.pipe(
    v.objectWithRest(entries, v.never(Object.keys(entries).join(" ")), MEMBERS),
    v.title(title),
  );
  return schema as v.ObjectSchema<Entries, string>;
}

const MEMBERS = "must have members, written name: value";

/** Adds what an editor shows of a member. */
function about<Schema extends v.GenericSchema>(
  description: string,
  schema: Schema,
): v.SchemaWithPipe<readonly [Schema, v.DescriptionAction<v.InferOutput<Schema>, string>]> {
  return v.pipe(schema, v.description(description));
}

/** Adds what an editor shows of a member that may be left out. */
function maybe<Schema extends v.GenericSchema>(
  description: string,
  schema: Schema,
): v.OptionalSchema<
  v.SchemaWithPipe<readonly [Schema, v.DescriptionAction<v.InferOutput<Schema>, string>]>,
  undefined
> {
  return v.optional(about(description, schema));
}

const listOf = <Item extends v.GenericSchema>(item: Item) => v.array(item, "must be a list");
const anyText = v.string("must be a text");
const text = v.pipe(v.string("must be a text"), v.nonEmpty("must not be empty"));
const texts = listOf(text);
const DURATION = "must be a duration such as 500ms, 10s or 1m30s";
const duration = v.pipe(v.string(DURATION), v.regex(DURATION_PATTERN, DURATION));
const ADDRESS = "must be host:port with a port from 0 to 65535";
const address = v.pipe(
  v.string(ADDRESS),
  v.regex(ADDRESS_PATTERN, ADDRESS),
  v.check((value) => parseAddress(value) !== undefined, ADDRESS),
);
const apiInterface = v.picklist(API_INTERFACES, `must be ${API_INTERFACES.join(", ")}`);
const toggle = v.boolean("must be true or false");

const WHOLE = "must be a whole number, 0 or more";
const chainId = about("index of the chain spec, such as ETH1", text);
const interfaceOfChain = about("which of the chain's interfaces", apiInterface);

const authConfig = closedObject("AuthConfig", {
  "auth-headers": maybe(
    "headers that authenticate, by name",
    v.record(v.string(), v.string("must be a text"), MEMBERS),
  ),
  "auth-query": maybe("query that authenticates, such as apikey=KEY", anyText),
  "use-tls": maybe("speak TLS with a gRPC node", toggle),
  "allow-insecure": maybe("allow a grpc:// node without TLS; certificates are always checked", toggle),
  "cert-pem": maybe("the relay's own certificate, as PEM text", anyText),
  "key-pem": maybe("the key of cert-pem, as PEM text", anyText),
  "cacert-pem": maybe("an authority that is trusted beside the platform's, as PEM text", anyText),
});

const grpcConfig = closedObject("GrpcConfig", {
  "descriptor-source": maybe("does nothing: messages pass as bytes", anyText),
  "allow-insecure": maybe("allow a grpc:// node without TLS", toggle),
});

const nodeUrl = closedObject("NodeUrl", {
  "url": about("http(s), ws(s) or grpc(s); a bare host:port has TLS", text),
  "addons": maybe("add-ons and extensions that it serves, such as archive, debug, trace", texts),
  "internal-path": maybe("path of the chain's APIs that it leads to and alone serves", anyText),
  "timeout": maybe("added to the relay timeout", duration),
  "ip-forwarding": maybe("tell it the client's address in X-Forwarded-For", toggle),
  "skip-verifications": maybe("names of the chain spec's verifications that it is spared, * for all", texts),
  "methods": maybe("the only APIs that it is asked for", texts),
  "auth-config": maybe("how the relay shows who it is", authConfig),
  "grpc-config": maybe("for gRPC nodes", grpcConfig),
});

const provider = closedObject("Provider", {
  "name": maybe("unique; what events, headers and logs call it", text),
  "chain-id": chainId,
  "api-interface": interfaceOfChain,
  "stake": maybe(
    "how much it is asked, against the others; without one, ten times the highest",
    v.pipe(v.number(WHOLE), v.integer(WHOLE), v.minValue(0, WHOLE)),
  ),
  "node-urls": about("tried in this order", v.pipe(listOf(nodeUrl), v.minLength(1, "needs at least one URL"))),
});

const PATH = "must be a path such as /eth1/jsonrpc";

const endpoint = closedObject("Endpoint", {
  "chain-id": chainId,
  "api-interface": interfaceOfChain,
  "network-address": about("where it listens; port 0 takes a free one", address),
  "path": maybe("below which path it is served", v.pipe(v.string(PATH), v.regex(/^(\/[\w.~-]+)+$/, PATH))),
  "grpc-web-address": maybe("where gRPC-Web is served beside gRPC", address),
  "tls-enabled": maybe("listen with TLS", toggle),
  "tls-cert-file": maybe("file of the certificate chain in PEM", text),
  "tls-key-file": maybe("file of the private key in PEM", text),
  "health-check-path": maybe("where GET asks for the health; default /lava/health", text),
});

const LIMIT = "must be a whole number, 1 or more";
const limit = v.pipe(v.number(LIMIT), v.safeInteger(LIMIT), v.minValue(1, LIMIT));

const project = closedObject("Project", {
  "id": about("as in the header project-id; * for all others together", text),
  "units-per-second": maybe("most compute units in a second", limit),
  "units-per-day": maybe("most compute units in a day of UTC", limit),
});

const providers = listOf(provider);

/** How the descriptions of members begin that do nothing. */
export const NOTHING = "does nothing";

/** The flags that a file may set. Providers are what a file is for, so that `upstream` is none of them. */
const { upstream: _upstream, ...fileFlags } = RELAY_FLAGS;

type WrittenFlags = {
  [Name in keyof typeof fileFlags]: v.OptionalSchema<(typeof fileFlags)[Name]["written"], undefined>;
};

const flagEntries: unknown = Object.fromEntries([
  ...Object.entries(fileFlags).map(([name, { help, defaultText, written }]) => [
    name,
    maybe<v.GenericSchema>(`${help}; default ${defaultText || "empty"}`, written),
  ]),
  ...Object.entries(IGNORED_FLAGS).map(([name, { reason }]) => [name, maybe(`${NOTHING}: ${reason}`, v.unknown())]),
]);

/** The configuration file, with the member names of the ecosystem. */
export const fileSchema = closedObject("RelayFile", {
  "$schema": maybe("where an editor finds this format's JSON Schema", anyText),
  "endpoints": about(
    "what the relay listens on",
    v.pipe(listOf(endpoint), v.minLength(1, "needs at least one endpoint")),
  ),
  "static-providers": maybe("who is asked", providers),
  "direct-rpc": maybe("another name for static-providers", providers),
  "backup-providers": maybe("asked when none of the others can serve", providers),
  "backup-direct-rpc": maybe("another name for backup-providers", providers),
  "projects": maybe("what projects may use", listOf(project)),
  ...flagEntries as WrittenFlags,
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

/** Members at the top that hold what anchors name, and mean nothing by themselves. */
export const FREE_MEMBER = /^x-/;

/** Every mistake in the shape of a file's content. */
export function checkFileShape(content: unknown): Mistake[] {
  if (content === null || content === undefined) return [{ path: [], message: "the file is empty" }];
  if (typeof content !== "object" || Array.isArray(content)) {
    return [{ path: [], message: "the file must have the members endpoints and static-providers at the top" }];
  }
  const members = Object.entries(content).filter(([name]) => !FREE_MEMBER.test(name));
  const issues = v.safeParse(fileSchema, Object.fromEntries(members)).issues ?? [];
  return [...issues.map(toMistake), ...unnameable(members)];
}

/** Names that the validation passes over, since objects have them anyway. No member is called so. */
const UNNAMEABLE = ["__proto__", "constructor", "prototype"];

function unnameable(
  members: readonly (readonly [string | number, unknown])[],
  path: Mistake["path"] = [],
  seen = new Set<unknown>(),
): Mistake[] {
  return members.flatMap(([name, value]) => {
    const at = [...path, name];
    if (UNNAMEABLE.includes(String(name))) return [{ path: at, message: `unknown member "${name}"` }];
    if (typeof value !== "object" || value === null || seen.has(value)) return [];
    seen.add(value);
    const inner = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
    return unnameable(inner, at, seen);
  });
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
    if (/^[\w-]{1,40}$/.test(last)) return { path, message: unknownName("member", last, known, "config schema") };
    const list = known.length > 12 ? "config schema lists those that are" : `known: ${known.join(", ")}`;
    return { path: path.slice(0, -1), message: `has a member that is not known; ${list}` };
  }
  if (issue.received === "undefined") return { path, message: "is missing" };
  const isShown = SHOWN.includes(last) && issue.received.length <= 40 && !/[/@]{2}/.test(issue.received);
  return { path, message: isShown ? `${issue.message}; is ${issue.received}` : issue.message };
}
