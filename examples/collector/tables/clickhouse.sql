-- ClickHouse: the table that `to_clickhouse.yaml` fills, with the exporter's own column names and types, and views with a
-- column for each attribute.

CREATE DATABASE IF NOT EXISTS usage;

CREATE TABLE IF NOT EXISTS usage.events
(
  Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)),
  TraceId String CODEC(ZSTD(1)),
  SpanId String CODEC(ZSTD(1)),
  TraceFlags UInt8,
  SeverityText LowCardinality(String) CODEC(ZSTD(1)),
  SeverityNumber UInt8,
  ServiceName LowCardinality(String) CODEC(ZSTD(1)),
  Body String CODEC(ZSTD(1)),
  ResourceSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
  ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
  ScopeSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
  ScopeName String CODEC(ZSTD(1)),
  ScopeVersion LowCardinality(String) CODEC(ZSTD(1)),
  ScopeAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
  LogAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
  EventName String CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(Timestamp)
ORDER BY (EventName, LogAttributes['project'], Timestamp);

CREATE OR REPLACE VIEW usage.relay_usage_arrived AS
SELECT
  toDateTime64(Timestamp, 3, 'UTC') AS ts,
  ServiceName AS service_name,
  ResourceAttributes['service.instance.id'] AS service_instance_id,
  LogAttributes['project'] AS project,
  LogAttributes['chain'] AS chain,
  LogAttributes['api_interface'] AS api_interface,
  LogAttributes['api_method'] AS api_method,
  toInt64OrZero(LogAttributes['cu']) AS cu,
  toInt64OrZero(LogAttributes['latency_ms']) AS latency_ms,
  LogAttributes['success'] = 'true' AS success,
  LogAttributes['cache_hit'] = 'true' AS cache_hit,
  LogAttributes['is_write'] = 'true' AS is_write,
  LogAttributes['is_archive'] = 'true' AS is_archive,
  LogAttributes['is_batch'] = 'true' AS is_batch,
  LogAttributes['is_debug_trace'] = 'true' AS is_debug_trace,
  toInt64OrZero(LogAttributes['hedge_count']) AS hedge_count,
  LogAttributes['provider'] AS provider,
  LogAttributes['origin'] AS origin,
  LogAttributes['event_id'] AS event_id,
  LogAttributes['error_class'] AS error_class,
  toInt64OrZero(LogAttributes['attempts']) AS attempts
FROM usage.events
WHERE EventName = 'relay_usage';

-- Each event once. Those without an event_id (the relay runs without --usage-otel-extended) can't be told from
-- duplicates, and all of them stay.
CREATE OR REPLACE VIEW usage.relay_usage AS
SELECT
  *,
  replaceRegexpOne(event_id, '/[0-9]+$', '') AS boot,
  toInt64OrZero(extract(event_id, '([0-9]+)$')) AS sequence
FROM usage.relay_usage_arrived
WHERE event_id != ''
LIMIT 1 BY event_id
UNION ALL
SELECT *, '' AS boot, toInt64(0) AS sequence
FROM usage.relay_usage_arrived
WHERE event_id = '';

CREATE OR REPLACE VIEW usage.optimizer_qos AS
SELECT
  toDateTime64(Timestamp, 3, 'UTC') AS ts,
  ServiceName AS service_name,
  ResourceAttributes['service.instance.id'] AS service_instance_id,
  LogAttributes['provider'] AS provider,
  LogAttributes['consumer_hostname'] AS consumer_hostname,
  LogAttributes['consumer_pub_address'] AS consumer_pub_address,
  LogAttributes['chain_id'] AS chain_id,
  toInt64OrZero(LogAttributes['epoch']) AS epoch,
  toInt64OrZero(LogAttributes['entry_index']) AS entry_index,
  toInt64OrZero(LogAttributes['geo_location']) AS geo_location,
  toInt64OrZero(LogAttributes['provider_stake']) AS provider_stake,
  toFloat64OrZero(LogAttributes['selection_availability']) AS selection_availability,
  toFloat64OrZero(LogAttributes['selection_latency']) AS selection_latency,
  toFloat64OrZero(LogAttributes['selection_sync']) AS selection_sync,
  toFloat64OrZero(LogAttributes['selection_stake']) AS selection_stake,
  toFloat64OrZero(LogAttributes['selection_composite']) AS selection_composite,
  toFloat64OrZero(LogAttributes['availability_contribution']) AS availability_contribution,
  toFloat64OrZero(LogAttributes['latency_contribution']) AS latency_contribution,
  toFloat64OrZero(LogAttributes['sync_contribution']) AS sync_contribution,
  toFloat64OrZero(LogAttributes['stake_contribution']) AS stake_contribution
FROM usage.events
WHERE EventName = 'optimizer_qos';
