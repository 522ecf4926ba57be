-- Grain: one row per collector, course and attempt, as last delivered and not left out by a later
-- full delivery.
with delivered as (
    select
        *,
        false as is_withdrawn
    from {{ ref('stg_lake__trainings') }}
),

{{ versions_of(
    'trainings',
    ['collector_id', 'course_id', 'attempt_no'],
    [
        'training_date', 'assessed_date', 'score', 'is_passed', 'is_withdrawn'
    ]
) }},

final as (
    select
        collector_id,
        course_id,
        attempt_no,
        training_date,
        assessed_date,
        score,
        is_passed,
        _load_id,
        valid_from as _recorded_at
    from versions
    where
        valid_from < valid_to
        and valid_to = {{ far_future_at() }}
        and not is_withdrawn
)

select * from final
