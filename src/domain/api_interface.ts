/** The wire protocols of the ecosystem, by the names that configurations and chain specs use. */
export const API_INTERFACES = ["jsonrpc", "tendermintrpc", "rest", "grpc"] as const;

/** One of {@linkcode API_INTERFACES}. */
export type ApiInterface = typeof API_INTERFACES[number];
