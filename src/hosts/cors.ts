import type { HeaderFields } from "../domain/wire.ts";
import type { HostResponse } from "./host_request.ts";
import { OUTCOME_HEADERS } from "./outcome_headers.ts";
import type { HeaderSource } from "./request_headers.ts";

/** Which pages may call, resolved. */
export interface CorsOptions {
  /** `*` for all pages, or the origins of those that may. */
  readonly origins: "*" | ReadonlySet<string>;
  /** Header names that pages may send, separated by commas; empty for whichever they ask for. */
  readonly headers: string;
  /** Verbs that pages may use, separated by commas. */
  readonly methods: string;
  /** Whether pages of the named origins may send cookies and credentials along. */
  readonly credentials: boolean;
}

/** Whether a page of this `Origin` may call; whoever is no page may. */
export function allowsPage({ origins }: CorsOptions, origin: string | null): boolean {
  return origins === "*" || origin === null || origins.has(origin.toLowerCase());
}

/** Tells browsers which pages may call, and read what the relay says about its answer. */
export class Cors {
  readonly #options: CorsOptions;
  /** For requests that come from no page. */
  readonly #plain: HeaderFields;
  /** For every page, or for none. */
  readonly #general: HeaderFields;

  constructor(options: CorsOptions) {
    this.#options = options;
    // The list is long, and only pages have something to gain by it.
    this.#plain = options.origins === "*" ? [["access-control-allow-origin", "*"]] : [["vary", "origin"]];
    this.#general = options.origins === "*" ? [...this.#plain, EXPOSED] : this.#plain;
  }

  /** The header fields of every response to a request of this `Origin`. */
  headersFor(origin: string | null): HeaderFields {
    const { origins, credentials } = this.#options;
    if (origin === null) return this.#plain;
    if (origins === "*" || !origins.has(origin.toLowerCase())) return this.#general;
    const headers: (readonly [string, string])[] = [
      ["access-control-allow-origin", origin],
      ["vary", "origin"],
      EXPOSED,
    ];
    // Browsers do not take credentials for an answer that all pages may read.
    if (credentials) headers.push(["access-control-allow-credentials", "true"]);
    return headers;
  }

  /** Answers a browser that asks whether it may send a request. */
  preflight(headers: HeaderSource): HostResponse {
    const { headers: allowed, methods } = this.#options;
    const fields = this.headersFor(headers.get("origin"));
    if (!fields.some(([name]) => name === "access-control-allow-origin")) {
      return { status: 204, fields: [fields], body: null };
    }
    const asked = headers.get("access-control-request-headers");
    const granted: HeaderFields = [
      ["access-control-allow-methods", methods],
      ["access-control-allow-headers", allowed || asked || "*"],
      ["access-control-max-age", "86400"],
    ];
    return { status: 204, fields: [fields, granted], body: null };
  }
}

const EXPOSED: readonly [string, string] = ["access-control-expose-headers", OUTCOME_HEADERS.join(", ")];
