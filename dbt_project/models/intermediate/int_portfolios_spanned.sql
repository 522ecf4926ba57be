-- Grain: one row per customer and span [owned_from, owned_until) in which one collector owns it.
-- A later span ends the one before it, also where the earlier has no end or a later end. Kept from
-- build to build, so that it is known whose owner changed.
{{ config(**replaces_touched(by='int_portfolios_touched', keys=['customer_id'])) }}

with portfolios as (
    select * from {{ ref('int_portfolios_deduped') }}
    where {{ touched_only('int_portfolios_deduped', 'int_portfolios_touched', ['customer_id']) }}
),

followed as (
    select
        customer_id,
        collector_id,
        owned_from,
        {{ far_future() }} as open_end,
        case when owned_to is not null then {{ add_days('owned_to', 1) }} end as ended_from,
        lead(owned_from) over (
            partition by customer_id
            order by owned_from
        ) as next_owned_from
    from portfolios
),

spans as (
    select
        customer_id,
        collector_id,
        owned_from,
        least(
            coalesce(ended_from, open_end), coalesce(next_owned_from, open_end)
        ) as owned_until
    from followed
)

select * from spans
