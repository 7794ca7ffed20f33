import { readBounded } from "../transports/read_bounded.ts";

/** Largest spec file in bytes; the ecosystem's own are below 1 MiB. */
export const MAX_SPEC_BYTES = 32 * 1024 * 1024;

/** A file's text and what to call it, or why it can't be had. */
export type SpecText =
  | { readonly kind: "text"; readonly name: string; readonly text: string }
  | { readonly kind: "mistake"; readonly message: string };

/** What spec files are fetched with. */
export interface SpecFetchOptions {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Empty for none. It goes to the host of the source and to GitHub's own file host. */
  readonly githubToken: string;
  /** Empty for none. It goes to the host of the source. */
  readonly gitlabToken: string;
}

/** Most files of one listing. */
const MAX_FILES = 500;
/** Time for one file, milliseconds. */
const TIMEOUT_MS = 30_000;
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * Fetches a spec file, or all of those that a directory holds.
 *
 * A directory is its page at GitHub or GitLab (`.../tree/main/specs`), or its listing as their APIs give it: a list of
 * entries with a `download_url` (GitHub) or a `path` (GitLab).
 */
export async function fetchSpecTexts(source: string, options: SpecFetchOptions): Promise<readonly SpecText[]> {
  const parsed = URL.canParse(source) ? new URL(source) : undefined;
  if (parsed === undefined || (parsed.protocol !== "https:" && !LOOPBACK.test(parsed.hostname))) {
    return [{ kind: "mistake", message: `${nameOf(source)}: a spec URL must start with https://` }];
  }
  const url = listingUrlOf(parsed);
  const first = await fetchText(url, url, options);
  if (first.kind === "mistake") return [first];
  const files = filesOf(first.text, url);
  if (files === undefined) return [first];
  if (files.length === 0) return [{ kind: "mistake", message: `${nameOf(source)}: the listing holds no .json file` }];
  if (files.length > MAX_FILES) {
    return [{ kind: "mistake", message: `${nameOf(source)}: the listing holds more than ${MAX_FILES} files` }];
  }
  const texts: SpecText[] = [];
  for (const file of files) texts.push(await fetchText(file, url, options));
  return texts;
}

/** The API's listing for a directory's page; any other URL as it is. */
function listingUrlOf(url: URL): URL {
  const github = /^\/([^/]+)\/([^/]+)\/tree\/([^/]+)\/(.+?)\/?$/.exec(url.pathname);
  if (url.hostname === "github.com" && github !== null) {
    const [, owner, repository, ref, path] = github;
    return new URL(`https://api.github.com/repos/${owner}/${repository}/contents/${path}?ref=${ref}`);
  }
  const gitlab = /^\/(.+?)\/-\/tree\/([^/]+)\/(.+?)\/?$/.exec(url.pathname);
  if (gitlab !== null) {
    const [, project, ref, path] = gitlab;
    const query = new URLSearchParams({ path: path!, ref: ref!, per_page: "100" });
    return new URL(`/api/v4/projects/${encodeURIComponent(project!)}/repository/tree?${query}`, url);
  }
  return url;
}

/** URLs of the `.json` files of a listing; undefined for a text that is none. */
function filesOf(text: string, listing: URL): URL[] | undefined {
  let entries: unknown;
  try {
    entries = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(entries)) return undefined;
  return entries.flatMap((entry: { name?: unknown; download_url?: unknown; path?: unknown; type?: unknown } | null) => {
    const name = entry?.name;
    if (typeof name !== "string" || !name.endsWith(".json")) return [];
    if (typeof entry?.download_url === "string" && URL.canParse(entry.download_url)) {
      return [new URL(entry.download_url)];
    }
    if (entry?.type !== "blob" || typeof entry.path !== "string") return [];
    const file = new URL(listing);
    file.pathname = listing.pathname.replace(/\/tree$/, `/files/${encodeURIComponent(entry.path)}/raw`);
    file.search = `?ref=${encodeURIComponent(listing.searchParams.get("ref") ?? "HEAD")}`;
    return [file];
  });
}

async function fetchText(url: URL, source: URL, options: SpecFetchOptions): Promise<SpecText> {
  const name = nameOf(url.href);
  const mistake = (reason: string): SpecText => ({ kind: "mistake", message: `${name}: ${reason}` });
  if (url.protocol !== "https:" && !LOOPBACK.test(url.hostname)) return mistake("a spec URL must start with https://");
  const headers: [string, string][] = [["accept", "application/json"]];
  const isTrusted = url.host === source.host;
  if (options.githubToken !== "" && (isTrusted || url.hostname === "raw.githubusercontent.com")) {
    headers.push(["authorization", `Bearer ${options.githubToken}`]);
  }
  if (options.gitlabToken !== "" && isTrusted) headers.push(["private-token", options.gitlabToken]);
  try {
    const response = await options.fetch(url.href, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) {
      await response.body?.cancel();
      const hint = response.status === 401 || response.status === 403 || response.status === 404
        ? "; check the URL, and --github-token or --gitlab-token"
        : "";
      return mistake(`the server answered with HTTP status ${response.status}${hint}`);
    }
    const bytes = await readBounded(response, MAX_SPEC_BYTES);
    if (bytes === undefined) return mistake(`the file is larger than ${MAX_SPEC_BYTES / 1024 / 1024} MiB`);
    return { kind: "text", name, text: new TextDecoder().decode(bytes) };
  } catch {
    return mistake("it can't be fetched; check the URL and the network");
  }
}

/** A URL as it may be shown: without its query and credentials, which may be keys. */
function nameOf(url: string): string {
  if (!URL.canParse(url)) return "spec URL";
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
