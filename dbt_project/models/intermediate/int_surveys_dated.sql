-- Grain: one row per survey answer, up to the as-of date.
with surveys as (
    select * from {{ ref('int_surveys_deduped') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

dated as (
    select
        surveys.survey_id,
        surveys.customer_id,
        surveys.score,
        {{ local_date('surveys.surveyed_at', 'run_parameters.timezone') }} as survey_date,
        run_parameters.as_of_date
    from surveys
    cross join run_parameters
),

until_as_of_date as (
    select
        survey_id,
        customer_id,
        score,
        survey_date,
        {{ month_start('survey_date') }} as month_start
    from dated
    where survey_date <= as_of_date
)

select * from until_as_of_date
