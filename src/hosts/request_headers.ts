import { type Caller, readProject } from "../domain/caller.ts";
import { parseDuration } from "../domain/duration.ts";
import { failure, type RelayError } from "../domain/relay_error.ts";
import { NO_STEERING, type Steering } from "../domain/steering.ts";

/** Longest `Origin` in characters. It goes into every event of its caller. */
const MAX_ORIGIN_CHARS = 1024;
/** Longest relay timeout that a caller may ask for. */
const MAX_RELAY_TIMEOUT_MS = 10 * 60_000;
/** Most extensions that a caller may ask for. */
const MAX_EXTENSIONS = 8;

/** Where headers are read from: a request's `Headers`, or the metadata of a call. Names are in lower case. */
export interface HeaderSource {
  /** The value, null when it was not sent; several of one name are joined by `, `. */
  get(name: string): string | null;
}

/** Who sent a request and how it is to be relayed, or which header can't be read. */
export type SteeringResult =
  | { readonly kind: "steering"; readonly caller: Caller; readonly steering: Steering }
  | { readonly kind: "failure"; readonly error: RelayError };

/** Reads the headers that identify the caller and steer the relay. None of them is sent on to a node. */
export function readSteering(headers: HeaderSource, clientAddress: string): SteeringResult {
  const projectText = utf8Of(headers.get("project-id"));
  if (projectText === undefined) {
    return failure("invalid_header", "project-id is not valid UTF-8; send printable text");
  }
  const project = readProject(projectText);
  if (project.kind === "failure") return project;

  const origin = headers.get("origin") ?? "";
  if (origin.length > MAX_ORIGIN_CHARS) {
    return failure("invalid_header", `Origin is longer than ${MAX_ORIGIN_CHARS} characters; send a shorter one`);
  }

  const timeoutText = headers.get("lava-relay-timeout");
  const requestedTimeoutMs = timeoutText === null ? 0 : parseDuration(timeoutText);
  if (requestedTimeoutMs === undefined || requestedTimeoutMs > MAX_RELAY_TIMEOUT_MS) {
    return failure("invalid_header", "lava-relay-timeout must be a duration such as 500ms or 10s, at most 10m");
  }

  const extensions = (headers.get("lava-extension") ?? "").split(",").map((name) => name.trim()).filter(Boolean);
  if (extensions.length > MAX_EXTENSIONS) {
    return failure("invalid_header", `lava-extension names more than ${MAX_EXTENSIONS} extensions`);
  }

  const caller = { project: project.project, origin, address: clientAddress };
  const steering = { ...NO_STEERING, requestedTimeoutMs, extensions: [...new Set(extensions)] };
  return { kind: "steering", caller, steering };
}

/** A header's text: the platform hands its bytes over one by one, and they are UTF-8. Undefined when they are not. */
function utf8Of(value: string | null): string | null | undefined {
  // deno-lint-ignore no-control-regex -- what is not ASCII is looked for
  if (value === null || /^[\u0000-\u007f]*$/.test(value)) return value;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(value, (char) => char.charCodeAt(0)));
  } catch {
    return undefined;
  }
}
