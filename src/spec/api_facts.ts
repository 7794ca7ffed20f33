import type { RequestedBlock } from "../domain/block.ts";
import type { HeaderRule } from "../domain/chain_spec.ts";
import { failure, type RelayError } from "../domain/relay_error.ts";
import type { ApiFacts, ApiTarget } from "../domain/relay_request.ts";
import { isOlderThan } from "./block_value.ts";
import type { MatchedApi, Matcher } from "./matcher.ts";
import { uniteBlocks } from "./requested_block.ts";

/** What else decides what a call is. */
export interface MatchContext {
  /** Extensions that the caller asks for. */
  readonly extensions: readonly string[];
  /** Path of the request, which may name an internal path of the chain. */
  readonly path: string;
  /** The newest block that is known; 0 while none is. */
  readonly head: number;
  /** The block that the request is about, where that stands outside of what the chain spec looks at. */
  readonly block?: RequestedBlock | undefined;
  /** Whether any provider serves an extension: one that nobody serves is not added by a rule. */
  servesExtension(name: string): boolean;
}

/** The facts of a call, or why this interface does not serve it. */
export type MatchResult =
  | { readonly kind: "matched"; readonly api: ApiFacts }
  | { readonly kind: "failure"; readonly error: RelayError };

/**
 * What the chain spec says about a call: of one API, or of a batch taken together.
 *
 * Compute units add up; flags hold when they hold for any part, and being deterministic when it does for all. An
 * extension is applied where an API's collection knows it, and counts as used when it was applied to any part. One with
 * a rule is added to calls about blocks that are as old as the rule says.
 */
export function matchCall(matcher: Matcher, targets: readonly ApiTarget[], context: MatchContext): MatchResult {
  const path = matcher.internalPathOf(context.path);
  const apis: MatchedApi[] = [];
  let block: RequestedBlock | undefined;
  for (const target of targets) {
    const api = matcher.match(target, path);
    if (api === undefined) {
      return failure("unsupported_api", `${target.verb} ${shorten(target.name)} is not served here`);
    }
    apis.push(api);
    const own = context.block ?? api.block.fixed ?? api.block.read(matcher.paramsOf(target, api));
    block = block === undefined ? own : uniteBlocks(block, own);
  }
  const mixed = mixture(apis);
  if (mixed !== undefined) return failure("invalid_request", mixed);
  const asked = extensionsOf(apis, block!, context);
  const [only] = apis as [MatchedApi];
  const isPlain = apis.length === 1 && only.isKnown && asked.size === 0;
  return { kind: "matched", api: isPlain ? plainFacts(only, block!) : new CallFacts(apis, block!, asked) };
}

/** The extensions that are asked for, and those that a rule adds. */
function extensionsOf(
  apis: readonly MatchedApi[],
  { from }: RequestedBlock,
  context: MatchContext,
): ReadonlySet<string> {
  let asked = context.extensions.length > 0 ? new Set(context.extensions) : undefined;
  for (const { extensions } of apis) {
    for (const { name, rule } of extensions.values()) {
      if (rule?.block === undefined || asked?.has(name)) continue;
      if (!isOlderThan(from, context.head, rule.block) || !context.servesExtension(name)) continue;
      asked ??= new Set();
      asked.add(name);
    }
  }
  return asked ?? NOBODY_ASKS;
}

const NOBODY_ASKS: ReadonlySet<string> = new Set();

/** The last facts of each API of a chain spec, called alone: nearly always it is called for the same block. */
const lastFacts = new WeakMap<MatchedApi, CallFacts>();

function plainFacts(api: MatchedApi, block: RequestedBlock): CallFacts {
  const last = lastFacts.get(api);
  if (last !== undefined && last.requestedBlock.from === block.from && last.requestedBlock.to === block.to) return last;
  const facts = new CallFacts([api], block, NOBODY_ASKS);
  lastFacts.set(api, facts);
  return facts;
}

/** Why the parts of a batch can't go to one node, if they can't. */
function mixture(apis: readonly MatchedApi[]): string | undefined {
  if (apis.length < 2) return undefined;
  let addOn = "";
  for (const api of apis) {
    if (api.addOn !== "" && addOn !== "" && api.addOn !== addOn) {
      return `batch mixes the add-ons ${addOn} and ${api.addOn}; send one batch for each`;
    }
    if (api.internalPath !== apis[0]!.internalPath) {
      return `batch mixes APIs of the paths ${apis[0]!.internalPath || "/"} and ${
        api.internalPath || "/"
      }; send one batch for each`;
    }
    addOn ||= api.addOn;
  }
  return undefined;
}

/** The facts of one call, worked out once. */
class CallFacts implements ApiFacts {
  readonly apiMethod: string;
  readonly apiNames: readonly string[];
  readonly computeUnits: number;
  readonly addOn: string;
  readonly internalPath: string;
  readonly extensions: readonly string[];
  readonly timeoutMs: number;
  readonly stateful: 0 | 1 | 2;
  readonly isHanging: boolean;
  readonly isDeterministic: boolean;
  readonly isSubscription: boolean;
  readonly requestedBlock: RequestedBlock;
  readonly headerRules: readonly HeaderRule[];
  readonly #apis: readonly MatchedApi[];

  constructor(apis: readonly MatchedApi[], requestedBlock: RequestedBlock, asked: ReadonlySet<string>) {
    this.#apis = apis;
    const [first] = apis as [MatchedApi];
    const isSingle = apis.length === 1;
    const used = new Set<string>();
    this.apiMethod = isSingle ? billName(first) : apis.map(billName).join("&");
    this.apiNames = apis.map((api) => api.name);
    this.computeUnits = apis.reduce((units, api) => units + priceOf(api, asked, used), 0);
    this.addOn = isSingle ? first.addOn : apis.find((api) => api.addOn !== "")?.addOn ?? "";
    this.internalPath = first.internalPath;
    this.extensions = used.size === 0 ? NONE : [...used];
    // Where the spec leaves any part's time to its compute units, it does so for the whole.
    this.timeoutMs = apis.every((api) => api.timeoutMs > 0) ? Math.max(...apis.map((api) => api.timeoutMs)) : 0;
    this.stateful = apis.some((api) => api.stateful === 1) ? 1 : apis.some((api) => api.stateful === 2) ? 2 : 0;
    this.isHanging = apis.some((api) => api.isHanging);
    this.isDeterministic = apis.every((api) => api.isDeterministic);
    this.isSubscription = apis.some((api) => api.isSubscription);
    this.requestedBlock = requestedBlock;
    this.headerRules = isSingle ? first.headerRules : [...new Set(apis.flatMap((api) => api.headerRules))];
  }

  withExtension(name: string): ApiFacts | undefined {
    if (this.extensions.includes(name) || !this.#apis.some((api) => api.extensions.has(name))) return undefined;
    return new CallFacts(this.#apis, this.requestedBlock, new Set([...this.extensions, name]));
  }
}

const NONE: readonly string[] = [];

function billName({ name, isKnown }: MatchedApi): string {
  return isKnown ? name : `Default-${name}`;
}

/** Price of one API with the extensions that its collection knows; these are added to `used`. */
function priceOf(api: MatchedApi, asked: ReadonlySet<string>, used: Set<string>): number {
  let units = api.computeUnits;
  for (const name of asked) {
    const extension = api.extensions.get(name);
    if (extension === undefined) continue;
    units *= extension.cu_multiplier;
    used.add(name);
  }
  return units;
}

function shorten(name: string): string {
  return name.length > 100 ? `${name.slice(0, 100)}…` : name;
}
