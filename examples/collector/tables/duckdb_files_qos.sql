-- DuckDB: the table of `optimizer_qos`, once there are such files. It needs the macro of `duckdb_files.sql`.

CREATE OR REPLACE VIEW optimizer_qos AS
SELECT
  CAST(attributes['ts'] AS TIMESTAMP) AS ts,
  attributes['service_name'] AS service_name,
  attributes['service_instance_id'] AS service_instance_id,
  attributes['provider'] AS provider,
  attributes['consumer_hostname'] AS consumer_hostname,
  attributes['consumer_pub_address'] AS consumer_pub_address,
  attributes['chain_id'] AS chain_id,
  CAST(attributes['epoch'] AS BIGINT) AS epoch,
  CAST(attributes['entry_index'] AS BIGINT) AS entry_index,
  CAST(attributes['geo_location'] AS BIGINT) AS geo_location,
  CAST(attributes['provider_stake'] AS BIGINT) AS provider_stake,
  CAST(attributes['selection_availability'] AS DOUBLE) AS selection_availability,
  CAST(attributes['selection_latency'] AS DOUBLE) AS selection_latency,
  CAST(attributes['selection_sync'] AS DOUBLE) AS selection_sync,
  CAST(attributes['selection_stake'] AS DOUBLE) AS selection_stake,
  CAST(attributes['selection_composite'] AS DOUBLE) AS selection_composite,
  CAST(attributes['availability_contribution'] AS DOUBLE) AS availability_contribution,
  CAST(attributes['latency_contribution'] AS DOUBLE) AS latency_contribution,
  CAST(attributes['sync_contribution'] AS DOUBLE) AS sync_contribution,
  CAST(attributes['stake_contribution'] AS DOUBLE) AS stake_contribution
FROM usage_attributes('usage/optimizer_qos/*.json');
