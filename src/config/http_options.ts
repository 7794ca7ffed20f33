import type { ApiInterface } from "../domain/api_interface.ts";
import type { Codec } from "../domain/codec.ts";
import { createJsonRpcCodec } from "../protocols/jsonrpc/codec.ts";
import { dialectOf } from "../protocols/jsonrpc/dialect.ts";
import { createRestCodec } from "../protocols/rest/codec.ts";
import { createTendermintCodec } from "../protocols/tendermint/codec.ts";
import { type AddressTest, compileRanges } from "./ip_ranges.ts";
import type { Mistake } from "./mistake.ts";
import type { RelayConfig } from "./relay_config.ts";

/** What a configuration says about HTTP, resolved. */
export interface HttpOptions {
  readonly healthPath: string;
  readonly maxBodyBytes: number;
  readonly bodyTimeoutMs: number;
  readonly cors: {
    readonly origins: "*" | ReadonlySet<string>;
    readonly headers: string;
    readonly methods: string;
    readonly credentials: boolean;
  };
  readonly compression: { readonly codings: readonly ("gzip" | "br")[]; readonly minBytes: number };
}

const DEFAULT_HEALTH_PATH = "/lava/health";
const DEFAULT_METHODS = "GET,POST,PUT,DELETE,OPTIONS";
const MIB = 1024 * 1024;

const CODINGS = { gzip: ["gzip"], brotli: ["br", "gzip"], off: [] } as const;

/** Resolves what a configuration says about HTTP. */
export function resolveHttpOptions(config: RelayConfig): HttpOptions {
  const origins = listOf(config.corsOrigin ?? "*").map((origin) => origin.toLowerCase());
  return {
    healthPath: config.healthCheckPath ?? DEFAULT_HEALTH_PATH,
    maxBodyBytes: config.maxBodyBytes ?? 10 * MIB,
    bodyTimeoutMs: config.bodyTimeoutMs ?? 10_000,
    cors: {
      origins: origins.includes("*") ? "*" : new Set(origins),
      headers: config.corsHeaders ?? "",
      methods: listOf(config.corsMethods ?? DEFAULT_METHODS).join(", "),
      credentials: config.corsCredentials ?? true,
    },
    compression: {
      codings: CODINGS[config.responseCompression ?? "gzip"],
      minBytes: config.responseCompressionMinBytes ?? 4_096,
    },
  };
}

/** Which peers are believed about whom they speak for. */
export function trustedProxiesOf({ trustedProxies = [] }: RelayConfig): AddressTest {
  return compileRanges(trustedProxies).includes;
}

/** The codec of an interface; undefined for one that HTTP/1.1 can't carry. */
export function codecOf(apiInterface: ApiInterface, { chainId, maxBatchSize }: RelayConfig): Codec | undefined {
  const options = { maxBatchSize: maxBatchSize === 0 ? Infinity : maxBatchSize ?? 1_000 };
  switch (apiInterface) {
    case "jsonrpc":
      return createJsonRpcCodec(options, dialectOf(chainId));
    case "tendermintrpc":
      return createTendermintCodec(options);
    case "rest":
      return createRestCodec();
    case "grpc":
      return undefined;
  }
}

/** Every mistake in what a configuration says about HTTP. */
export function checkHttpOptions(config: RelayConfig): Mistake[] {
  const mistakes: Mistake[] = [];
  const complain = (member: keyof RelayConfig, message: string) => mistakes.push({ path: [member], message });
  const { healthCheckPath, corsOrigin = "*", corsHeaders = "", corsMethods = DEFAULT_METHODS } = config;
  if (healthCheckPath !== undefined && !healthCheckPath.startsWith("/")) {
    complain("healthCheckPath", 'must start with "/"');
  }
  if (listOf(corsOrigin).length === 0 || !listOf(corsOrigin).every(isOrigin)) {
    complain("corsOrigin", "must be * or origins such as https://app.example, separated by commas");
  }
  if (!listOf(corsHeaders).every(isToken)) complain("corsHeaders", "must be header names, separated by commas");
  if (listOf(corsMethods).length === 0 || !listOf(corsMethods).every(isToken)) {
    complain("corsMethods", "must be verbs, separated by commas");
  }
  for (const text of compileRanges(config.trustedProxies ?? []).invalid) {
    complain("trustedProxies", `"${text}" is no IP address or range such as 10.0.0.0/8`);
  }
  return mistakes;
}

function isOrigin(text: string): boolean {
  return text === "*" || text === "null" || /^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+$/i.test(text);
}

function isToken(text: string): boolean {
  return text === "*" || /^[a-z0-9-]+$/i.test(text);
}

function listOf(text: string): string[] {
  return text.split(",").map((part) => part.trim()).filter((part) => part !== "");
}
