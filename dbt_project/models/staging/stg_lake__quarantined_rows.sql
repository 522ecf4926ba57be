-- Grain: one row per quarantined row of a load, known at the run's known_at.
with delivered as (
    select * from {{ source('raw', 'quarantined_rows') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

known as (
    select
        cast(delivered.load_id as varchar) as load_id,
        cast(delivered.source as varchar) as source_name,
        cast(delivered.extract as varchar) as extract_name,
        cast(delivered.delivery_date as date) as delivery_date,
        cast(delivered.source_file as varchar) as source_file,
        cast(delivered.row_number as bigint) as row_number,
        cast(delivered.reason_code as varchar) as reason_code,
        cast(delivered.column_name as varchar) as column_name,
        cast(delivered.expected as varchar) as expected_text,
        cast(delivered.found as varchar) as found_text,
        cast(delivered.raw_text as varchar) as raw_text,
        cast(delivered.row_key as varchar) as row_key,
        cast(delivered.amount as decimal(28, 2)) as amount,
        cast(delivered.recorded_at as timestamp) as recorded_at
    from delivered
    cross join run_parameters
    where delivered.recorded_at <= run_parameters.known_at
)

select * from known
