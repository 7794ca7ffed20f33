import { type Caller, readProject } from "../domain/caller.ts";
import { parseDuration } from "../domain/duration.ts";
import { failure, type RelayError } from "../domain/relay_error.ts";
import { type CrossValidation, NO_STEERING, type Steering } from "../domain/steering.ts";

/** Longest `Origin` in characters. It goes into every event of its caller. */
const MAX_ORIGIN_CHARS = 1024;
/** Longest relay timeout that a caller may ask for. */
const MAX_RELAY_TIMEOUT_MS = 10 * 60_000;
/** Most extensions that a caller may ask for. */
const MAX_EXTENSIONS = 8;
/** Most providers that a caller may block. */
const MAX_BLOCKED = 64;
/** Longest name or stickiness in characters. */
const MAX_NAME_CHARS = 256;
/** Most providers that are asked for one answer. */
const MAX_PARTICIPANTS = 50;

/** Where headers are read from: a request's `Headers`, or the metadata of a call. Names are in lower case. */
export interface HeaderSource {
  /** The value, null when it was not sent; several of one name are joined by `, `. */
  get(name: string): string | null;
}

/** Who sent a request and how it is to be relayed, or which header can't be read. */
export type SteeringResult =
  | { readonly kind: "steering"; readonly caller: Caller; readonly steering: Steering }
  | { readonly kind: "failure"; readonly error: RelayError };

/** The headers that {@linkcode readSteering} reads, and that no node is sent. */
export const STEERING_HEADERS: readonly string[] = [
  "project-id",
  "lava-relay-timeout",
  "lava-extension",
  "lava-force-cache-refresh",
  "lava-select-provider",
  "lava-stickiness",
  "lava-providers-block",
  "lava-debug-relay",
  "lava-cross-validation-max-participants",
  "lava-cross-validation-agreement-threshold",
];

/** Reads the headers that identify the caller and steer the relay. None of them is sent on to a node. */
export function readSteering(headers: HeaderSource, clientAddress: string): SteeringResult {
  const projectText = utf8Of(headers.get("project-id"));
  if (projectText === undefined) return refuse("project-id is not valid UTF-8; send printable text");
  const project = readProject(projectText);
  if (project.kind === "failure") return project;

  const origin = headers.get("origin") ?? "";
  if (origin.length > MAX_ORIGIN_CHARS) {
    return refuse(`Origin is longer than ${MAX_ORIGIN_CHARS} characters; send a shorter one`);
  }
  const caller = { project: project.project, origin, address: clientAddress };

  const read = readLavaHeaders(headers);
  return typeof read === "string" ? refuse(read) : { kind: "steering", caller, steering: read };
}

/** How the caller wants to be served, or what is wrong with how that was said. */
function readLavaHeaders(headers: HeaderSource): Steering | string {
  const timeout = headers.get("lava-relay-timeout");
  const extensions = headers.get("lava-extension");
  const refresh = headers.get("lava-force-cache-refresh");
  const select = headers.get("lava-select-provider");
  const stickiness = headers.get("lava-stickiness");
  const blocked = headers.get("lava-providers-block");
  const debug = headers.get("lava-debug-relay");
  const participants = headers.get("lava-cross-validation-max-participants");
  const threshold = headers.get("lava-cross-validation-agreement-threshold");
  // Nearly all requests have none of them.
  if (
    timeout === null && extensions === null && refresh === null && select === null && stickiness === null &&
    blocked === null && debug === null && participants === null && threshold === null
  ) return NO_STEERING;

  const requestedTimeoutMs = timeout === null ? 0 : parseDuration(timeout);
  if (requestedTimeoutMs === undefined || requestedTimeoutMs > MAX_RELAY_TIMEOUT_MS) {
    return "lava-relay-timeout must be a duration such as 500ms or 10s, at most 10m";
  }
  const extensionNames = listIn(extensions);
  if (extensionNames.length > MAX_EXTENSIONS) return `lava-extension names more than ${MAX_EXTENSIONS} extensions`;
  const blockedProviders = listIn(blocked);
  if (blockedProviders.length > MAX_BLOCKED) return `lava-providers-block names more than ${MAX_BLOCKED} providers`;
  const names: readonly (readonly [string, string])[] = [
    ["lava-select-provider", select?.trim() ?? ""],
    ["lava-stickiness", stickiness?.trim() ?? ""],
    ...extensionNames.map((name) => ["lava-extension", name] as const),
    ...blockedProviders.map((name) => ["lava-providers-block", name] as const),
  ];
  for (const [header, name] of names) {
    if (name.length > MAX_NAME_CHARS) return `${header} is longer than ${MAX_NAME_CHARS} characters`;
  }
  const forcesCacheRefresh = switchIn(refresh);
  if (forcesCacheRefresh === undefined) return "lava-force-cache-refresh must be true or false";
  const isDebug = switchIn(debug);
  if (isDebug === undefined) return "lava-debug-relay must be true or false";
  const crossValidation = readCrossValidation(participants, threshold);
  if (typeof crossValidation === "string") return crossValidation;
  return {
    requestedTimeoutMs,
    extensions: extensionNames,
    selectProvider: select?.trim() ?? "",
    stickiness: stickiness?.trim() ?? "",
    blockedProviders,
    forcesCacheRefresh,
    debug: isDebug,
    crossValidation,
  };
}

function readCrossValidation(
  participants: string | null,
  threshold: string | null,
): CrossValidation | undefined | string {
  if (participants === null && threshold === null) return undefined;
  const maxParticipants = wholeNumber(participants, MAX_PARTICIPANTS);
  if (maxParticipants === undefined) {
    return `lava-cross-validation-max-participants must be a number from 1 to ${MAX_PARTICIPANTS}`;
  }
  const agreementThreshold = wholeNumber(threshold, maxParticipants);
  if (agreementThreshold === undefined) {
    return "lava-cross-validation-agreement-threshold must be a number from 1 to the number of participants";
  }
  return { maxParticipants, agreementThreshold };
}

/** A number from 1 to `max`; undefined for anything else. */
function wholeNumber(text: string | null, max: number): number | undefined {
  if (text === null || !/^\d{1,3}$/.test(text.trim())) return undefined;
  const value = Number(text);
  return value >= 1 && value <= max ? value : undefined;
}

/** The parts of a comma-separated list, each once. */
function listIn(text: string | null): readonly string[] {
  if (text === null) return NONE;
  return [...new Set(text.split(",").map((part) => part.trim()).filter((part) => part !== ""))];
}

const NONE: readonly string[] = [];

/** On or off; undefined for what is neither. An empty value is as good as none. */
function switchIn(text: string | null): boolean | undefined {
  switch (text?.trim().toLowerCase() ?? "") {
    case "":
    case "false":
    case "0":
      return false;
    case "true":
    case "1":
      return true;
    default:
      return undefined;
  }
}

function refuse(message: string): SteeringResult {
  return failure("invalid_header", message);
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
