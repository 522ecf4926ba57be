-- Grain: one row per collector, course, attempt and delivery, of the loads known at the run's
-- known_at.
with delivered as (
    select * from {{ source('raw', 'trainings') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

known as (
    select
        cast(delivered.collector_id as varchar) as collector_id,
        cast(delivered.course_id as varchar) as course_id,
        cast(delivered.attempt_no as integer) as attempt_no,
        cast(delivered.training_date as date) as training_date,
        cast(delivered.assessed_date as date) as assessed_date,
        cast(delivered.score as decimal(18, 2)) as score,
        cast(delivered.is_passed as boolean) as is_passed,
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
