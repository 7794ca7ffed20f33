import { assert } from "@std/assert";

/**
 * What operators of such relays are used to, and the test that holds each of it: an index. It fails when a test that is
 * named here is not there any more.
 */
const BEHAVIOURS: readonly (readonly [behaviour: string, file: string, test: string])[] = [
  ["the relay timeout is 100 ms for each compute unit", "relay/plan_test.ts", "20 units: 100 ms each"],
  ["and not under the shortest one", "relay/plan_test.ts", "10 units: the shortest timeout"],
  ["or what the spec sets", "relay/plan_test.ts", "a timeout of the spec"],
  ["or what the caller asks for", "relay/plan_test.ts", "what the caller asks for"],
  ["an API that waits has two blocks on top", "relay/plan_test.ts", "an API that waits: two blocks on top"],
  ["a URL may have more time", "relay/engine_test.ts", "a URL with more time is hedged later"],
  ["all attempts together have 30 s, a minute from 50 units", "relay/plan_test.ts", "80 units: a minute in all"],
  ["three minutes from 100 units", "relay/plan_test.ts", "100 units: three minutes in all"],
  ["and for writes", "relay/plan_test.ts", "a write: three minutes in all"],
  ["never less than one attempt has", "relay/plan_test.ts", "and all attempts have as long as one"],

  ["agreement ends the relay as soon as it is there", "relay/engine_test.ts", "agreement of two"],
  ["answers are the same however their JSON is written", "relay/canonical_json_test.ts", "however it is written"],
  ["nodes' errors never agree", "relay/engine_test.ts", "errors of nodes never agree"],
  ["no agreement is an error", "relay/engine_test.ts", '"no agreement"'],
  ["writes go to the best ten at once", "relay/engine_test.ts", "a write goes to ten at the most"],
  ["and the first success wins", "relay/engine_test.ts", "a write goes to all, and the first success wins"],
  ["one more is asked for each relay timeout", "relay/engine_test.ts", "a hedge at the relay timeout: the second wins"],
  ["the first may still answer", "relay/engine_test.ts", "a hedge at the relay timeout: the first answers"],
  ["earlier at a quantile", "relay/latencies_test.ts", "late by its provider's own measure is hedged"],

  ["stop: cross-validation", "relay/retry_policy_test.ts", "cross-validation asks once"],
  ["stop: stateful", "relay/retry_policy_test.ts", "a write that a node may have seen is not repeated"],
  ["stop: an error that all nodes would give", "relay/retry_policy_test.ts", "what all nodes would say is the answer"],
  ["stop: a permanent error", "relay/retry_policy_test.ts", "an answer that is too large is so everywhere"],
  ["stop: ten attempts", "relay/retry_policy_test.ts", "ten attempts are enough"],
  ["stop: a batch", "relay/retry_policy_test.ts", "a batch stays where it was sent"],
  ["stop: the retry limit", "relay/retry_policy_test.ts", "and no more"],
  ["in this order", "relay/retry_policy_test.ts", "the batch before the errors"],
  [
    "the archive is asked once where data is missing",
    "relay/engine_test.ts",
    "the archive is asked, once, at its price",
  ],

  ["a node that can't be reached is left alone", "e2e/provider_faults_test.ts", "does not listen"],
  ["a 5xx too", "e2e/provider_faults_test.ts", "answers 500 with a page"],
  ["with a backoff", "providers/node_health_test.ts", "Deno.test("],
  ["more than 15 failures in a row block it", "providers/node_health_test.ts", "more than 15 failures in a row"],
  ["with a second chance after three minutes", "providers/optimizer_selector_test.ts", "there is a second chance"],
  [
    "healthy primaries, backups, blocked",
    "providers/optimizer_selector_test.ts",
    "healthy primaries come first, then backups",
  ],
  ["429 holds off, as long as it says", "e2e/provider_faults_test.ts", "asks for fewer requests"],
  ["4xx says nothing about health", "e2e/provider_faults_test.ts", "refuses the key"],
  ["nor does a client that leaves", "e2e/provider_faults_test.ts", "a client that leaves in mid-flight"],
  ["backups come when no primary can serve", "e2e/faults_test.ts", "to the backup when both are dead"],

  ["a provider can be selected, and others blocked", "providers/optimizer_selector_test.ts", "a caller may name"],
  ["requests stick together", "providers/optimizer_selector_test.ts", "requests that stick together stay"],
  ["a node of another chain is left out", "e2e/watch_providers_test.ts", "a node of another chain is not asked"],
  ["the relay starts even if all fail", "e2e/watch_providers_test.ts", "all fail their verification starts"],
  ["they are looked at again after three minutes", "providers/prober_table_test.ts", "again after three minutes"],
  ["a warning leaves nobody out", "providers/prober_table_test.ts", "another value of a check that only warns"],
  ["verifications are skipped by name", "providers/prober_table_test.ts", "verifications are skipped by name"],
  ["blocks are polled around the block time", "providers/prober_table_test.ts", "once in each interval, and not all"],

  ["averages decay", "providers/optimizer/formulas_test.ts", "an average forgets by half in each half-life"],
  ["the half-life is that of the median relay", "providers/optimizer/formulas_test.ts", "age of the median relay"],
  ["older samples are refused", "providers/optimizer/formulas_test.ts", "samples that are older than the last one"],
  ["latencies count by cost", "providers/optimizer_selector_test.ts", "latencies count by what calls cost"],
  ["lag is time", "providers/block_heads_test.ts", "the lag of a provider is counted in time"],
  ["scores are held to P10 and P90", "providers/optimizer/formulas_test.ts", "quantiles are held to bounds"],
  ["the composite", "providers/optimizer/formulas_test.ts", "the worked example, to four decimals"],
  ["strategies", "providers/optimizer/formulas_test.ts", "sync-freshness"],
  ["no stake weighs ten times the highest", "providers/optimizer/formulas_test.ts", "[[5, undefined, 7], [5, 70, 7]]"],
  ["the choice is weighted chance", "providers/simulation_test.ts", "a provider that fails is asked least"],
  ["privacy uses one provider at a time", "providers/simulation_test.ts", "privacy: one provider has all"],

  [
    "a caller is not shown an older block",
    "relay/consistency_test.ts",
    "not shown a block far behind what it has seen",
  ],
  ["for five minutes", "relay/consistency_test.ts", "forgotten after five minutes"],
  ["by so many blocks", "relay/consistency_test.ts", "the gap is twice the lag"],
  ["an impossible advance is not believed", "relay/consistency_test.ts", "an advance that the chain can't have made"],

  ["the cache keeps final blocks long", "relay/caching_test.ts", "a final block"],
  ["others for a share of the block time", "relay/caching_test.ts", "a block that is not final yet"],
  ["nodes' errors for 250 ms", "relay/caching_test.ts", "forMs: 250"],
  ["never what is stateful, validated or refreshed", "relay/caching_test.ts", "a forced refresh reaches a node"],
  ["identical requests share a call, each metered", "relay/caching_test.ts", "share one call; each is on the bill"],
  ["ids come back byte for byte", "e2e/shared_cache_test.ts", "two relays share their cache"],
  ["within a bound in bytes", "cache/memory_cache_test.ts", "it never holds more than its bound"],
];

Deno.test("every behaviour that operators are used to has its test", async () => {
  for (const [behaviour, file, test] of BEHAVIOURS) {
    const text = await Deno.readTextFile(new URL(`../${file}`, import.meta.url));
    assert(text.includes(test), `${behaviour}: ${file} has no test ${test}`);
  }
});
