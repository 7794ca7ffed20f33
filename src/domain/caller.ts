import { failure, type RelayError } from "./relay_error.ts";

/** Who is charged when a request names no project. */
export const DEFAULT_PROJECT = "DefaultDappID";

/** Longest project id in bytes of UTF-8. */
export const MAX_PROJECT_BYTES = 256;

/** Who sent a request. */
export interface Caller {
  /** Who is charged. */
  readonly project: string;
  /** The `Origin` header, empty when there was none. */
  readonly origin: string;
  /** Address of the peer, empty where the host can't tell. */
  readonly address: string;
}

/**
 * The project id of a `project-id` header or metadata value.
 *
 * Missing and empty mean {@linkcode DEFAULT_PROJECT}. What can't be a project id is refused, never cut.
 */
export function readProject(
  value: string | null,
): { kind: "project"; project: string } | { kind: "failure"; error: RelayError } {
  if (value === null || value === "") return { kind: "project", project: DEFAULT_PROJECT };
  if (value.length > MAX_PROJECT_BYTES || new TextEncoder().encode(value).length > MAX_PROJECT_BYTES) {
    return failure("invalid_header", `project-id is longer than ${MAX_PROJECT_BYTES} bytes; send a shorter one`);
  }
  // deno-lint-ignore no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f]/.test(value)) {
    return failure("invalid_header", "project-id contains a control character; send printable text");
  }
  return { kind: "project", project: value };
}
