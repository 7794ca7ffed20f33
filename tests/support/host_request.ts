import { Canceller } from "../../src/domain/cancellation.ts";
import type { HostRequest, HostResponse, RequestBody } from "../../src/hosts/host_request.ts";

/** A request as a host of its own would have it, and what has been done to it. */
export class TestRequest extends Canceller implements HostRequest {
  verb = "POST";
  path = "/";
  query = "";
  clientAddress = "127.0.0.1";
  headers: Headers;
  body: RequestBody;
  isCancelled = false;
  isSignalEnded = false;
  readonly signal = this;

  constructor(
    body: string | Promise<Uint8Array<ArrayBuffer> | undefined>,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super();
    this.headers = new Headers({ "content-type": "application/json", ...headers });
    const declared = this.headers.get("content-length");
    this.body = {
      declaredBytes: declared === null ? undefined : Number(declared),
      whole: typeof body === "string" ? new TextEncoder().encode(body) : undefined,
      read: () => typeof body === "string" ? Promise.reject(new Error("it is here")) : body,
      cancel: () => void (this.isCancelled = true),
    };
  }

  endSignal(): void {
    this.isSignalEnded = true;
  }
}

/** The text of a response's body. */
export function textOf({ body }: HostResponse): string {
  return body === null ? "" : new TextDecoder().decode(body);
}

/** The value of a response's header. */
export function headerOf({ fields }: HostResponse, name: string): string | undefined {
  return fields.flat().filter(([key]) => key === name).map(([, value]) => value).join(", ") || undefined;
}
