-- DuckDB: tables over the objects of `to_s3.yaml`, read where they are (`INSTALL httpfs; LOAD httpfs;` and a secret), or
-- from a copy of the bucket: correct the paths.

CREATE OR REPLACE VIEW relay_usage_arrived AS
SELECT * EXCLUDE (year, month, day, hour)
FROM read_json(
  's3://usage/relay_usage/*/*/*/*/*',
  format = 'newline_delimited',
  hive_partitioning = true,
  hive_types_autocast = false,
  columns = {
    'ts': 'TIMESTAMP',
    'service_name': 'VARCHAR',
    'service_instance_id': 'VARCHAR',
    'project': 'VARCHAR',
    'chain': 'VARCHAR',
    'api_interface': 'VARCHAR',
    'api_method': 'VARCHAR',
    'cu': 'BIGINT',
    'latency_ms': 'BIGINT',
    'success': 'BOOLEAN',
    'cache_hit': 'BOOLEAN',
    'is_write': 'BOOLEAN',
    'is_archive': 'BOOLEAN',
    'is_batch': 'BOOLEAN',
    'is_debug_trace': 'BOOLEAN',
    'hedge_count': 'BIGINT',
    'provider': 'VARCHAR',
    'origin': 'VARCHAR',
    'event_id': 'VARCHAR',
    'error_class': 'VARCHAR',
    'attempts': 'BIGINT'
  }
);

-- Each event once. Those without an event_id (the relay runs without --usage-otel-extended) can't be told from
-- duplicates, and all of them stay.
CREATE OR REPLACE VIEW relay_usage AS
SELECT
  *,
  regexp_extract(event_id, '^(.*)/[0-9]+$', 1) AS boot,
  TRY_CAST(regexp_extract(event_id, '([0-9]+)$', 1) AS BIGINT) AS sequence
FROM relay_usage_arrived
QUALIFY event_id IS NULL OR row_number() OVER (PARTITION BY event_id ORDER BY ts) = 1;
