-- DuckDB: tables over the files of `to_files.yaml`. Run it in the folder that has them, or correct the paths.
--
--   duckdb -init tables/duckdb_files.sql

-- A line is a request. A write that a full disk cut off leaves the start of a line in front of the next one: what counts
-- is what follows the last start. Nothing is lost by that, since the relay was not told that it had been taken.
CREATE OR REPLACE MACRO usage_attributes(files) AS TABLE
SELECT map_from_entries(list_transform(record.attributes, lambda attribute: {
    'k': attribute.key,
    'v': coalesce(attribute.value.stringValue, attribute.value.intValue, attribute.value.boolValue,
      attribute.value.doubleValue, '')
  })) AS attributes
FROM (
  SELECT unnest(flatten(list_transform(flatten(list_transform(request.resourceLogs, lambda r: r.scopeLogs)),
    lambda s: s.logRecords))) AS record
  FROM (
    SELECT from_json(regexp_extract(line, '.*(\{"resourceLogs":.*\}\]\}\]\}\]\})$', 1), '{"resourceLogs": [{"scopeLogs": [{"logRecords": [
      {"attributes": [{"key": "VARCHAR", "value": {"stringValue": "VARCHAR", "intValue": "VARCHAR",
        "boolValue": "VARCHAR", "doubleValue": "VARCHAR"}}]}]}]}]}') AS request
    FROM read_csv(files, columns = {'line': 'VARCHAR'}, header = false, auto_detect = false, delim = chr(1),
      quote = '', escape = '', max_line_size = 67108864)
    WHERE regexp_matches(line, '\{"resourceLogs":.*\}\]\}\]\}\]\}$')
  )
);

CREATE OR REPLACE VIEW relay_usage_arrived AS
SELECT
  CAST(attributes['ts'] AS TIMESTAMP) AS ts,
  attributes['service_name'] AS service_name,
  attributes['service_instance_id'] AS service_instance_id,
  attributes['project'] AS project,
  attributes['chain'] AS chain,
  attributes['api_interface'] AS api_interface,
  attributes['api_method'] AS api_method,
  CAST(attributes['cu'] AS BIGINT) AS cu,
  CAST(attributes['latency_ms'] AS BIGINT) AS latency_ms,
  CAST(attributes['success'] AS BOOLEAN) AS success,
  CAST(attributes['cache_hit'] AS BOOLEAN) AS cache_hit,
  CAST(attributes['is_write'] AS BOOLEAN) AS is_write,
  CAST(attributes['is_archive'] AS BOOLEAN) AS is_archive,
  CAST(attributes['is_batch'] AS BOOLEAN) AS is_batch,
  CAST(attributes['is_debug_trace'] AS BOOLEAN) AS is_debug_trace,
  CAST(attributes['hedge_count'] AS BIGINT) AS hedge_count,
  attributes['provider'] AS provider,
  attributes['origin'] AS origin,
  attributes['event_id'] AS event_id,
  attributes['error_class'] AS error_class,
  CAST(attributes['attempts'] AS BIGINT) AS attempts
FROM usage_attributes('usage/relay_usage/*.json');

-- Each event once. Those without an event_id (the relay runs without --usage-otel-extended) can't be told from
-- duplicates, and all of them stay.
CREATE OR REPLACE VIEW relay_usage AS
SELECT
  *,
  regexp_extract(event_id, '^(.*)/[0-9]+$', 1) AS boot,
  TRY_CAST(regexp_extract(event_id, '([0-9]+)$', 1) AS BIGINT) AS sequence
FROM relay_usage_arrived
QUALIFY event_id IS NULL OR row_number() OVER (PARTITION BY event_id ORDER BY ts) = 1;
