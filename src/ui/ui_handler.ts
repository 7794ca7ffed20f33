import type { LiveFeed } from "./live_feed.ts";
import { PAGE_FILES } from "./page_files.ts";

/** Options of the page's server. */
export interface UiOptions {
  /** The values of `Host` that are answered: names that another site could point here are none. */
  readonly hosts: ReadonlySet<string>;
  /** Most pages that may be open at once. */
  readonly maxWatchers: number;
}

/** Nothing but the page's own files is loaded, nothing inline runs, and nobody can frame it. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
};

/** Messages that a page may be behind; one that reads no more is cut off, and comes back by itself. */
const MAX_BACKLOG = 16;

/** The values of `Host` by which a listener on an address may be asked. */
export function hostsOf(hostname: string, port: number, more: readonly string[] = []): ReadonlySet<string> {
  const names = ["localhost", "127.0.0.1", "[::1]", hostname.includes(":") ? `[${hostname}]` : hostname, ...more];
  const hosts = names.flatMap((name) => [`${name}:${port}`, ...(port === 80 || more.includes(name) ? [name] : [])]);
  return new Set(hosts.map((host) => host.toLowerCase()));
}

/** Answers the requests of browsers: the page, and its stream of server-sent events. */
export class UiHandler {
  readonly #feed: LiveFeed;
  readonly #options: UiOptions;
  readonly #closers = new Set<() => void>();

  constructor(feed: LiveFeed, options: UiOptions) {
    this.#feed = feed;
    this.#options = options;
  }

  /** Answers one request. */
  fetch(request: Request): Response {
    const refusal = this.#refusalOf(request);
    if (refusal !== undefined) return respond(403, refusal);
    const path = pathOf(request);
    if (request.method !== "GET" && request.method !== "HEAD") return respond(405, "only GET is answered here");
    if (path === "/events") return this.#stream();
    const file = Object.hasOwn(PAGE_FILES, path) ? PAGE_FILES[path] : undefined;
    if (file === undefined) return respond(404, "there is no such page");
    return respond(200, file.text, file.contentType);
  }

  /** Ends the streams of all pages that are open. */
  close(): void {
    for (const close of [...this.#closers]) close();
  }

  /** Why a request is not answered: it comes for another host's name, or from another site. */
  #refusalOf({ headers }: Request): string | undefined {
    const host = (headers.get("host") ?? "").toLowerCase();
    if (!this.#options.hosts.has(host)) return "this page is not served under that name; see --ui-host";
    const origin = headers.get("origin");
    if (origin !== null && ![`http://${host}`, `https://${host}`].includes(origin.toLowerCase())) {
      return "this page is not for other sites";
    }
    const site = headers.get("sec-fetch-site");
    const isNavigation = headers.get("sec-fetch-mode") === "navigate";
    return site !== null && site !== "same-origin" && site !== "none" && !isNavigation
      ? "this page is not for other sites"
      : undefined;
  }

  #stream(): Response {
    if (this.#feed.watcherCount >= this.#options.maxWatchers) return respond(503, "too many pages are open");
    let end = () => {};
    const encoder = new TextEncoder();
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const send = (event: string, data: unknown) => {
          if ((controller.desiredSize ?? 0) <= -MAX_BACKLOG) return end();
          controller.enqueue(encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
        };
        let unwatch = () => {};
        end = () => {
          unwatch();
          if (!this.#closers.delete(end)) return;
          controller.close();
        };
        this.#closers.add(end);
        unwatch = this.#feed.watch({
          hello: (hello) => send("hello", hello),
          tick: (tick) => send("tick", tick),
        });
      },
      cancel: () => {
        // The page has gone; there is nothing to close any more.
        this.#closers.delete(end);
        end();
      },
    });
    return new Response(stream, { headers: { ...SECURITY_HEADERS, "content-type": "text/event-stream" } });
  }
}

function pathOf(request: Request): string {
  try {
    return new URL(request.url).pathname;
  } catch {
    return "";
  }
}

function respond(status: number, text: string, contentType = "text/plain; charset=utf-8"): Response {
  return new Response(text, { status, headers: { ...SECURITY_HEADERS, "content-type": contentType } });
}
