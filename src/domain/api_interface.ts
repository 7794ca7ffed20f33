/**
 * The wire protocols of the ecosystem, by the names that configurations and chain specs use.
 *
 * @example
 * ```ts
 * import { API_INTERFACES } from "@relaymeter/relay";
 *
 * if (!API_INTERFACES.includes("jsonrpc")) throw new Error("it is one of them");
 * ```
 */
export const API_INTERFACES = ["jsonrpc", "tendermintrpc", "rest", "grpc"] as const;

/** One of {@linkcode API_INTERFACES}. */
export type ApiInterface = typeof API_INTERFACES[number];
