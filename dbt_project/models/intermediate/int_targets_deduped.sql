-- Grain: one row per period, scope and measure, as last delivered and not left out by a later full
-- delivery.
with delivered as (
    select
        *,
        false as is_withdrawn
    from {{ ref('stg_lake__targets') }}
),

{{ versions_of(
    'targets',
    ['period_start', 'period_type', 'scope_type', 'scope_id', 'measure'],
    [
        'target_value', 'is_withdrawn'
    ]
) }},

final as (
    select
        period_start,
        period_type,
        scope_type,
        scope_id,
        measure,
        target_value,
        _load_id,
        valid_from as _recorded_at
    from versions
    where
        valid_from < valid_to
        and valid_to = {{ far_future_at() }}
        and not is_withdrawn
)

select * from final
