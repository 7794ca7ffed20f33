-- DuckDB: the table of `optimizer_qos`, once there are such objects.

CREATE OR REPLACE VIEW optimizer_qos AS
SELECT * EXCLUDE (year, month, day, hour)
FROM read_json(
  's3://usage/optimizer_qos/*/*/*/*/*',
  format = 'newline_delimited',
  hive_partitioning = true,
  hive_types_autocast = false,
  columns = {
    'ts': 'TIMESTAMP',
    'service_name': 'VARCHAR',
    'service_instance_id': 'VARCHAR',
    'provider': 'VARCHAR',
    'consumer_hostname': 'VARCHAR',
    'consumer_pub_address': 'VARCHAR',
    'chain_id': 'VARCHAR',
    'epoch': 'BIGINT',
    'entry_index': 'BIGINT',
    'geo_location': 'BIGINT',
    'provider_stake': 'BIGINT',
    'selection_availability': 'DOUBLE',
    'selection_latency': 'DOUBLE',
    'selection_sync': 'DOUBLE',
    'selection_stake': 'DOUBLE',
    'selection_composite': 'DOUBLE',
    'availability_contribution': 'DOUBLE',
    'latency_contribution': 'DOUBLE',
    'sync_contribution': 'DOUBLE',
    'stake_contribution': 'DOUBLE'
  }
);
