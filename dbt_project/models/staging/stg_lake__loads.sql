-- Grain: one row per load of a file into an extract, whatever became of it, known at the run's
-- known_at.
with delivered as (
    select * from {{ source('raw', 'loads') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

known as (
    select
        cast(delivered.load_id as varchar) as load_id,
        cast(delivered.load_sequence as bigint) as load_sequence,
        cast(delivered.run_id as varchar) as run_id,
        cast(delivered.source as varchar) as source_name,
        cast(delivered.extract as varchar) as extract_name,
        cast(delivered.delivery_date as date) as delivery_date,
        cast(delivered.delivery_kind as varchar) as delivery_kind,
        cast(delivered.file_name as varchar) as file_name,
        cast(delivered.file_sha256 as varchar) as file_sha256,
        cast(delivered.file_bytes as bigint) as file_bytes,
        cast(delivered.mapping_fingerprint as varchar) as mapping_fingerprint,
        cast(delivered.status as varchar) as load_status,
        cast(delivered.reason_code as varchar) as reason_code,
        cast(delivered.reason_detail as varchar) as reason_detail,
        cast(delivered.recorded_at as timestamp) as recorded_at,
        cast(delivered.received_at as timestamp) as received_at,
        cast(delivered.rows_read as bigint) as read_row_count,
        cast(delivered.rows_accepted as bigint) as accepted_row_count,
        cast(delivered.rows_duplicate as bigint) as duplicate_row_count,
        cast(delivered.rows_quarantined as bigint) as quarantined_row_count,
        cast(delivered.rows_dropped as bigint) as dropped_row_count,
        cast(delivered.rows_filtered as bigint) as filtered_row_count,
        cast(delivered.amount_read as decimal(28, 2)) as read_amount,
        cast(delivered.amount_accepted as decimal(28, 2)) as accepted_amount,
        cast(delivered.amount_duplicate as decimal(28, 2)) as duplicate_amount,
        cast(delivered.amount_quarantined as decimal(28, 2)) as quarantined_amount,
        cast(delivered.amount_dropped as decimal(28, 2)) as dropped_amount,
        cast(delivered.amount_filtered as decimal(28, 2)) as filtered_amount,
        cast(delivered.control_row_count as bigint) as control_row_count,
        cast(delivered.control_amount as decimal(28, 2)) as control_amount,
        cast(delivered.unknown_columns as varchar) as unknown_columns,
        cast(delivered.parquet_path as varchar) as parquet_path,
        cast(delivered.parquet_sha256 as varchar) as parquet_sha256
    from delivered
    cross join run_parameters
    where delivered.recorded_at <= run_parameters.known_at
)

select * from known
