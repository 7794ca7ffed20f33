import { clamp } from "./normalise.ts";

/** What matters in choosing a provider. */
export type Strategy = "balanced" | "latency" | "sync-freshness" | "cost" | "privacy" | "accuracy" | "distributed";

/** Every {@linkcode Strategy}. */
export const STRATEGIES: readonly Strategy[] = [
  "balanced",
  "latency",
  "sync-freshness",
  "cost",
  "privacy",
  "accuracy",
  "distributed",
];

/** A number for each of the things that a provider is judged by. */
export interface Parts {
  readonly availability: number;
  readonly latency: number;
  readonly sync: number;
  readonly stake: number;
}

/** A strategy of one thing makes more of a provider that is good at it already. */
const GOOD = 0.7;
const FAVOUR = 0.8;
/** Strategies that look for the best of all make less of what is not. */
const RIGOUR = 1.2;

/** The weights with a sum of 1. All of them being 0 is refused where they are configured. */
export function normaliseWeights({ availability, latency, sync, stake }: Parts): Parts {
  const sum = availability + latency + sync + stake;
  return { availability: availability / sum, latency: latency / sum, sync: sync / sum, stake: stake / sum };
}

/** The score that a provider is chosen by: what the strategy makes of its scores, weighted, and not below `floor`. */
export function composite(scores: Parts, weights: Parts, strategy: Strategy, floor: number): number {
  const { latency, sync } = adjust(scores, strategy);
  const sum = scores.availability * weights.availability + latency * weights.latency + sync * weights.sync +
    scores.stake * weights.stake;
  return clamp(sum, floor, 1);
}

function adjust({ latency, sync }: Parts, strategy: Strategy): Pick<Parts, "latency" | "sync"> {
  switch (strategy) {
    case "latency":
      return { latency: latency > GOOD ? latency ** FAVOUR : latency, sync };
    case "sync-freshness":
      return { latency, sync: sync > GOOD ? sync ** FAVOUR : sync };
    case "accuracy":
    case "distributed":
      return { latency: latency ** RIGOUR, sync: sync ** RIGOUR };
    case "balanced":
    case "cost":
    case "privacy":
      return { latency, sync };
  }
}
