-- Grain: one row per survey answer, as last delivered and not left out by a later full delivery.
with delivered as (
    select
        *,
        false as is_withdrawn
    from {{ ref('stg_lake__surveys') }}
),

{{ versions_of(
    'surveys',
    ['survey_id'],
    [
        'customer_id', 'surveyed_at', 'score', 'is_withdrawn'
    ]
) }},

final as (
    select
        survey_id,
        customer_id,
        surveyed_at,
        score,
        _load_id,
        valid_from as _recorded_at
    from versions
    where
        valid_from < valid_to
        and valid_to = {{ far_future_at() }}
        and not is_withdrawn
)

select * from final
