-- Grain: one row per customer and first day of ownership, as last delivered and not left out by a
-- later full delivery.
with delivered as (
    select
        *,
        false as is_withdrawn
    from {{ ref('stg_lake__portfolios') }}
),

{{ versions_of(
    'portfolios',
    ['customer_id', 'owned_from'],
    [
        'collector_id', 'owned_to', 'is_withdrawn'
    ]
) }},

final as (
    select
        customer_id,
        owned_from,
        collector_id,
        owned_to,
        _load_id,
        valid_from as _recorded_at
    from versions
    where
        valid_from < valid_to
        and valid_to = {{ far_future_at() }}
        and not is_withdrawn
)

select * from final
