-- Grain: one row per survey and delivery, of the loads known at the run's known_at.
with delivered as (
    select * from {{ source('raw', 'surveys') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

known as (
    select
        cast(delivered.survey_id as varchar) as survey_id,
        cast(delivered.customer_id as varchar) as customer_id,
        cast(delivered.surveyed_at as timestamp) as surveyed_at,
        cast(delivered.score as decimal(18, 2)) as score,
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
