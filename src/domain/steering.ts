/** How a caller wants its request to be relayed. Read from headers or metadata, none of which a node sees. */
export interface Steering {
  /** Relay timeout in milliseconds, 0 to leave it to the relay. */
  readonly requestedTimeoutMs: number;
  /** Extensions to use, such as `archive`. */
  readonly extensions: readonly string[];
  /** The only provider to ask; empty for any. */
  readonly selectProvider: string;
  /** Requests of one caller with the same text go to the same provider while it can serve; empty for any. */
  readonly stickiness: string;
  /** Providers that are not asked. */
  readonly blockedProviders: readonly string[];
  /** Whether the cache is passed by, and gets the new answer. */
  readonly forcesCacheRefresh: boolean;
  /** Whether the answer is to say how it came about. */
  readonly debug: boolean;
  /** Ask several providers and compare; undefined for one answer. */
  readonly crossValidation: CrossValidation | undefined;
}

/** How many are asked, and how many must agree. */
export interface CrossValidation {
  /** 1 to 50. */
  readonly maxParticipants: number;
  /** 1 to `maxParticipants`. */
  readonly agreementThreshold: number;
}

/** Nothing asked for. */
export const NO_STEERING: Steering = {
  requestedTimeoutMs: 0,
  extensions: [],
  selectProvider: "",
  stickiness: "",
  blockedProviders: [],
  forcesCacheRefresh: false,
  debug: false,
  crossValidation: undefined,
};
