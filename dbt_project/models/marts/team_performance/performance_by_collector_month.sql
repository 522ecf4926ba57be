-- Grain: one row per month and collector with anything to count, targets included. Cash that
-- nobody earned stands under collector `unattributed`, so that the collectors add up to the cash.
with performance as (
    select * from {{ ref('int_performance_measured') }}
    where scope_type = 'collector'
),

final as (
    select
        month_start,
        scope_id as collector_id,
        team_id,
        {{ performance_columns() }}
    from performance
)

select * from final
