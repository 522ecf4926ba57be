-- Grain: one row per period, scope, measure and delivery, of the loads known at the run's known_at.
with delivered as (
    select * from {{ source('raw', 'targets') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

known as (
    select
        cast(delivered.period_start as date) as period_start,
        cast(delivered.period_type as varchar) as period_type,
        cast(delivered.scope_type as varchar) as scope_type,
        cast(delivered.scope_id as varchar) as scope_id,
        cast(delivered.measure as varchar) as measure,
        cast(delivered.target_value as decimal(28, 8)) as target_value,
        cast(delivered._load_id as varchar) as _load_id,
        cast(delivered._load_sequence as bigint) as _load_sequence,
        cast(delivered._source as varchar) as _source,
        cast(delivered._source_file as varchar) as _source_file,
        cast(delivered._row_number as bigint) as _row_number,
        cast(delivered._delivery_date as date) as _delivery_date,
        cast(delivered._delivery_kind as varchar) as _delivery_kind,
        cast(delivered._recorded_at as timestamp) as _recorded_at
    from delivered
    cross join run_parameters
    where delivered._recorded_at <= run_parameters.known_at
)

select * from known
