-- Grain: one row per collector, course and attempt assessed up to the as-of date.
-- An assessment counts for the pass rate when it was held within the months that the rules allow
-- after the training; 31 January + 1 month is the last day of February, and that day is within.
with trainings as (
    select * from {{ ref('int_trainings_deduped') }}
),

measure_rules as (
    select * from {{ ref('measure_rules') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

assessed as (
    select
        trainings.collector_id,
        trainings.course_id,
        trainings.attempt_no,
        trainings.training_date,
        trainings.assessed_date,
        {{ month_start('trainings.assessed_date') }} as month_start,
        trainings.is_passed,
        trainings.attempt_no = 1 as is_first_attempt,
        trainings.assessed_date <= {{ add_months(
            'trainings.training_date', 'measure_rules.assessment_months'
        ) }} as is_assessed_in_time
    from trainings
    cross join run_parameters
    cross join measure_rules
    where trainings.assessed_date <= run_parameters.as_of_date
)

select * from assessed
