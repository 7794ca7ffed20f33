-- What an operator asks. The same text runs in DuckDB, Athena and ClickHouse, over the tables of the folder `tables/`
-- (in ClickHouse, say `USE usage;` first). `relay_usage` has each event once; `relay_usage_arrived` has what came.

-- name: units
-- Units per project, chain, method and hour.
SELECT project, chain, api_method, date_trunc('hour', ts) AS hour, count(*) AS calls, sum(cu) AS units
FROM relay_usage
GROUP BY project, chain, api_method, date_trunc('hour', ts)
ORDER BY project, chain, api_method, hour;

-- name: units_of_successes
-- What the node answered with an error is charged by default; here it is free.
SELECT project, count(*) AS calls, sum(cu) AS units
FROM relay_usage
WHERE success
GROUP BY project
ORDER BY project;

-- name: units_without_cache_hits
-- Answers from the cache are charged in full by default; here they are free.
SELECT project, count(*) AS calls, sum(cu) AS units
FROM relay_usage
WHERE NOT cache_hit
GROUP BY project
ORDER BY project;

-- name: units_with_free_deliveries
-- A subscription is charged once, when it starts; what is delivered on it afterwards is free.
SELECT project, count(*) AS calls, sum(cu) AS units
FROM relay_usage
WHERE api_method <> 'subscription_delivery'
GROUP BY project
ORDER BY project;

-- name: slo_by_provider
-- How often each provider answered without an error, and how often within half a second. Cache hits have no provider,
-- and a delivery has no latency.
SELECT provider, chain, count(*) AS calls,
  avg(CASE WHEN success THEN 1.0 ELSE 0.0 END) AS success_share,
  avg(CASE WHEN success AND latency_ms <= 500 THEN 1.0 ELSE 0.0 END) AS good_share,
  max(latency_ms) AS max_latency_ms
FROM relay_usage
WHERE provider <> '' AND api_method <> 'subscription_delivery'
GROUP BY provider, chain
ORDER BY provider, chain;

-- name: by_instance
-- Which process did how much.
SELECT service_instance_id, count(*) AS calls, sum(cu) AS units
FROM relay_usage
GROUP BY service_instance_id
ORDER BY service_instance_id;

-- name: lost
-- Each hole in the numbers of a boot: events that were dropped on the way, or have not arrived yet. Events lost after
-- the last one that arrived leave no hole; the relay's final ledger knows them.
SELECT boot, previous + 1 AS first_missing, sequence - 1 AS last_missing, sequence - previous - 1 AS missing
FROM (
  SELECT boot, sequence,
    coalesce(max(sequence) OVER (PARTITION BY boot ORDER BY sequence ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING), 0)
      AS previous
  FROM relay_usage
  WHERE event_id <> ''
) AS numbered
WHERE sequence > previous + 1
ORDER BY boot, first_missing;

-- name: duplicates
-- Events that arrived more than once: a request whose acknowledgement was lost is sent again.
SELECT event_id, count(*) AS arrivals
FROM relay_usage_arrived
WHERE event_id <> ''
GROUP BY event_id
HAVING count(*) > 1
ORDER BY event_id;
