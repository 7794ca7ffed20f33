-- Athena, with Glue as its catalogue: tables over the objects of `to_s3.yaml`. Correct the bucket. Partitions are
-- projected: there is nothing to crawl or to add. The folders are those of the upload: an event that waited for the
-- collector lies in a later hour than its `ts` says, so ask for folders with a margin and for `ts` exactly.

CREATE EXTERNAL TABLE relay_usage_lines (
  ts string,
  service_name string,
  service_instance_id string,
  project string,
  chain string,
  api_interface string,
  api_method string,
  cu bigint,
  latency_ms bigint,
  success boolean,
  cache_hit boolean,
  is_write boolean,
  is_archive boolean,
  is_batch boolean,
  is_debug_trace boolean,
  hedge_count bigint,
  provider string,
  origin string,
  event_id string,
  error_class string,
  attempts bigint
)
PARTITIONED BY (year string, month string, day string, hour string)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
LOCATION 's3://usage/relay_usage/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.year.type' = 'integer', 'projection.year.range' = '2026,2100',
  'projection.month.type' = 'integer', 'projection.month.range' = '1,12', 'projection.month.digits' = '2',
  'projection.day.type' = 'integer', 'projection.day.range' = '1,31', 'projection.day.digits' = '2',
  'projection.hour.type' = 'integer', 'projection.hour.range' = '0,23', 'projection.hour.digits' = '2',
  'storage.location.template' = 's3://usage/relay_usage/year=${year}/month=${month}/day=${day}/hour=${hour}/'
);

-- Each event once, and its time as a time.
CREATE OR REPLACE VIEW relay_usage AS
SELECT
  CAST(from_iso8601_timestamp(ts) AS timestamp) AS ts,
  service_name,
  service_instance_id,
  project,
  chain,
  api_interface,
  api_method,
  cu,
  latency_ms,
  success,
  cache_hit,
  is_write,
  is_archive,
  is_batch,
  is_debug_trace,
  hedge_count,
  provider,
  origin,
  event_id,
  error_class,
  attempts,
  regexp_extract(event_id, '^(.*)/[0-9]+$', 1) AS boot,
  TRY_CAST(regexp_extract(event_id, '([0-9]+)$', 1) AS bigint) AS sequence
FROM (
  SELECT *, row_number() OVER (PARTITION BY event_id ORDER BY ts) AS nth
  FROM relay_usage_lines
)
WHERE event_id IS NULL OR nth = 1;

-- Each arrival, for the query of duplicates.
CREATE OR REPLACE VIEW relay_usage_arrived AS
SELECT event_id FROM relay_usage_lines;

CREATE EXTERNAL TABLE optimizer_qos (
  ts string,
  service_name string,
  service_instance_id string,
  provider string,
  consumer_hostname string,
  consumer_pub_address string,
  chain_id string,
  epoch bigint,
  entry_index bigint,
  geo_location bigint,
  provider_stake bigint,
  selection_availability double,
  selection_latency double,
  selection_sync double,
  selection_stake double,
  selection_composite double,
  availability_contribution double,
  latency_contribution double,
  sync_contribution double,
  stake_contribution double
)
PARTITIONED BY (year string, month string, day string, hour string)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
LOCATION 's3://usage/optimizer_qos/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.year.type' = 'integer', 'projection.year.range' = '2026,2100',
  'projection.month.type' = 'integer', 'projection.month.range' = '1,12', 'projection.month.digits' = '2',
  'projection.day.type' = 'integer', 'projection.day.range' = '1,31', 'projection.day.digits' = '2',
  'projection.hour.type' = 'integer', 'projection.hour.range' = '0,23', 'projection.hour.digits' = '2',
  'storage.location.template' = 's3://usage/optimizer_qos/year=${year}/month=${month}/day=${day}/hour=${hour}/'
);
