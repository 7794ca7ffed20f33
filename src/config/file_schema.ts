import * as v from "valibot";
import { API_INTERFACES } from "../domain/api_interface.ts";
import { parseDuration } from "../domain/duration.ts";
import { parseAddress } from "./address.ts";
import { type Mistake, unknownName } from "./mistake.ts";

/**
 * An object that has these members and no others. Reports every unknown member, which `strictObject` does not; the
 * issue's message lists the known ones.
 */
function closedObject(entries: v.ObjectEntries): v.GenericSchema {
  return v.objectWithRest(entries, v.never(Object.keys(entries).join(" ")));
}

/** Something that the format has and that is not available: the neutral value passes, any other is refused. */
function unavailable(neutral: boolean | string, message: string): v.GenericSchema {
  return v.optional(v.literal(neutral, message));
}

const text = v.pipe(v.string(), v.nonEmpty("must not be empty"));
const texts = v.optional(v.array(text));
const duration = v.pipe(
  v.string(),
  v.check((value) => parseDuration(value) !== undefined, "must be a duration such as 500ms, 10s or 1m30s"),
);
const address = v.pipe(
  v.string(),
  v.check((value) => parseAddress(value) !== undefined, "must be host:port with a port from 0 to 65535"),
);
const apiInterface = v.picklist(API_INTERFACES);
const flag = v.optional(v.boolean());

const NO_TLS_OPTIONS =
  "TLS options of a node URL are not available; use an https URL with a certificate that is trusted";

const nodeUrl = closedObject({
  "url": text,
  "addons": texts,
  "internal-path": unavailable("", "internal paths are not available; leave it empty"),
  "timeout": v.optional(duration),
  "ip-forwarding": flag,
  "skip-verifications": texts,
  "methods": texts,
  "auth-config": v.optional(closedObject({
    "auth-headers": v.optional(v.record(v.string(), v.string())),
    "auth-query": v.optional(v.string()),
    "use-tls": unavailable(false, NO_TLS_OPTIONS),
    "allow-insecure": unavailable(false, NO_TLS_OPTIONS),
    "cert-pem": unavailable("", NO_TLS_OPTIONS),
    "key-pem": unavailable("", NO_TLS_OPTIONS),
    "cacert-pem": unavailable("", NO_TLS_OPTIONS),
  })),
});

const provider = closedObject({
  "name": text,
  "chain-id": text,
  "api-interface": apiInterface,
  "stake": v.optional(v.pipe(v.number(), v.integer("must be a whole number"), v.minValue(0, "must not be negative"))),
  "node-urls": v.pipe(v.array(nodeUrl), v.minLength(1, "needs at least one URL")),
});

const endpoint = closedObject({
  "chain-id": text,
  "api-interface": apiInterface,
  "network-address": address,
  "tls-enabled": unavailable(false, "TLS on a listener is not available; terminate it in front of the relay"),
  "health-check-path": v.optional(text),
});

const providers = v.optional(v.array(provider));

/** The configuration file, with the member names of the ecosystem. */
const fileSchema = closedObject({
  "endpoints": v.pipe(v.array(endpoint), v.minLength(1, "needs at least one endpoint")),
  "static-providers": providers,
  "direct-rpc": providers,
  "backup-providers": providers,
  "backup-direct-rpc": providers,
});

/** Every mistake in the shape of a file's content. */
export function checkFileShape(content: unknown): Mistake[] {
  return v.safeParse(fileSchema, content).issues?.map(toMistake) ?? [];
}

function toMistake(issue: v.BaseIssue<unknown>): Mistake {
  const path = issue.path?.map(({ key }) => key as string | number) ?? [];
  const last = String(path.at(-1) ?? "");
  if (issue.type === "never") {
    return { path: path.slice(0, -1), message: unknownName("member", last, issue.message.split(" ")) };
  }
  if (issue.received === "undefined") return { path, message: "is missing" };
  // Credentials stand in these two; their values are not for anyone's screen.
  const isSecret = path.includes("url") || path.includes("auth-config");
  const isOwnMessage = !issue.message.startsWith("Invalid ");
  const requirement = isOwnMessage ? issue.message : `must be ${issue.expected}`;
  return {
    path,
    message: isSecret || issue.type === "min_length"
      ? requirement
      : `${requirement}; is ${issue.received.slice(0, 100)}`,
  };
}
