import type { LiveRelay, LiveScore } from "./live_event.ts";

/** Relays of one project on one chain in one second. */
export interface ProjectSum {
  readonly project: string;
  readonly chain: string;
  readonly requests: number;
  readonly failed: number;
  readonly cacheHits: number;
  readonly units: number;
  /** Messages delivered on subscriptions; they are among the requests. */
  readonly deliveries: number;
  /** Subscriptions that were started; they are among the requests. */
  readonly subscribes: number;
}

/** Relays of one method of one project in one second. */
export interface MethodSum {
  readonly project: string;
  readonly method: string;
  readonly requests: number;
  readonly failed: number;
  readonly units: number;
}

/** One second, as it is sent to the page. */
export interface LiveSecond {
  readonly timeUnixMs: number;
  readonly projects: readonly ProjectSum[];
  readonly methods: readonly MethodSum[];
  readonly scores: readonly LiveScore[];
  /** The last relays, newest first. */
  readonly relays: readonly LiveRelay[];
}

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

/** Most names of a kind that are told apart in one second: clients choose the names of projects and methods. */
const MAX_NAMES = 200;
const MAX_RELAYS = 50;
const OTHERS = "(others)";
const DELIVERY = "subscription_delivery";

/** Adds up what happens within one second. */
export class Second {
  readonly #projects = new Map<string, Mutable<ProjectSum>>();
  readonly #methods = new Map<string, Mutable<MethodSum>>();
  readonly #scores = new Map<string, LiveScore>();
  #relays: LiveRelay[] = [];

  /** Counts a relay. */
  addRelay(relay: LiveRelay): void {
    const { chain, units, success, cacheHit } = relay;
    const project = this.#projects.size < MAX_NAMES || this.#projects.has(keyOf(relay.project, chain))
      ? relay.project
      : OTHERS;
    const method = this.#methods.size < MAX_NAMES || this.#methods.has(keyOf(project, relay.method))
      ? relay.method
      : OTHERS;
    const sum = entryOf(this.#projects, keyOf(project, chain), () => emptyProject(project, chain));
    const ofMethod = entryOf(this.#methods, keyOf(project, method), () => emptyMethod(project, method));
    sum.requests++;
    ofMethod.requests++;
    sum.units += units;
    ofMethod.units += units;
    if (!success) {
      sum.failed++;
      ofMethod.failed++;
    }
    if (cacheHit) sum.cacheHits++;
    if (relay.method === DELIVERY) sum.deliveries++;
    else if (/_subscribe$|^subscribe$/.test(relay.method)) sum.subscribes++;
    this.#relays.push(relay);
    if (this.#relays.length >= 2 * MAX_RELAYS) this.#relays = this.#relays.slice(-MAX_RELAYS);
  }

  /** Takes a provider's scores; later ones replace earlier ones. */
  addScore(score: LiveScore): void {
    const key = keyOf(score.chain, score.provider);
    if (this.#scores.size < MAX_NAMES || this.#scores.has(key)) this.#scores.set(key, score);
  }

  /** What has happened. */
  read(timeUnixMs: number): LiveSecond {
    return {
      timeUnixMs,
      projects: [...this.#projects.values()],
      methods: [...this.#methods.values()],
      scores: [...this.#scores.values()],
      relays: this.#relays.slice(-MAX_RELAYS).reverse(),
    };
  }
}

/** Names that hold anything can't run into each other with their lengths in front. */
function keyOf(a: string, b: string): string {
  return `${a.length}:${a}${b}`;
}

function entryOf<Value>(map: Map<string, Value>, key: string, create: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) map.set(key, value = create());
  return value;
}

function emptyProject(project: string, chain: string): Mutable<ProjectSum> {
  return { project, chain, requests: 0, failed: 0, cacheHits: 0, units: 0, deliveries: 0, subscribes: 0 };
}

function emptyMethod(project: string, method: string): Mutable<MethodSum> {
  return { project, method, requests: 0, failed: 0, units: 0 };
}
