import { createHash, timingSafeEqual } from "node:crypto";
import type { ListenerFetch } from "../../hosts/probes.ts";
import type { ReloadResult } from "./reloader.ts";

/** What the administration works with. */
export interface AdminDeps {
  /** What who asks has to show as `Authorization: Bearer`; empty for nobody has to. */
  readonly token: string;
  reload(): Promise<ReloadResult>;
}

/** Serves `POST /admin/reload`. Who does not show the token learns nothing but that. */
export function createAdminHandler({ token, reload }: AdminDeps): ListenerFetch {
  return async (request) => {
    const refusal = refusalOf(request, token);
    if (refusal !== undefined) return refusal;
    if (new URL(request.url).pathname !== "/admin/reload") {
      return respond(404, { error: "nothing is served here but /admin/reload" });
    }
    if (request.method !== "POST") {
      return respond(405, { error: "a reload is asked for with POST" }, { allow: "POST" });
    }
    const result = await reload();
    switch (result.kind) {
      case "applied":
        return respond(200, {
          status: "applied",
          needs_restart: result.needsRestart,
          warnings: result.warnings,
        });
      case "refused":
        return respond(422, { status: "refused", mistakes: result.mistakes });
      case "stopping":
        return respond(503, { status: "stopping" });
    }
  };
}

function refusalOf({ headers }: Request, token: string): Response | undefined {
  if (token === "") {
    // A page in a browser on this host reaches loopback too, and has no business here.
    return headers.has("origin") ? respond(403, { error: "pages may not ask for this" }) : undefined;
  }
  const [, shown = ""] = /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "") ?? [];
  if (timingSafeEqual(digestOf(shown), digestOf(token))) return undefined;
  return new Response(null, { status: 401, headers: { "www-authenticate": "Bearer" } });
}

/** Texts of all lengths are compared in the same time by their digests. */
function digestOf(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}

function respond(status: number, body: Readonly<Record<string, unknown>>, headers = {}): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store", ...headers } });
}
