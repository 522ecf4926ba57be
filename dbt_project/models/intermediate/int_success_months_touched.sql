-- Grain: one row per month in which items count as worked otherwise since the build before. Empty
-- when the warehouse is built from nothing.
with changed_items as (
    {{ changed_rows('int_items_worked', ['month_start']) }}
),

collectors as (
    select * from {{ ref('int_collector_teams_touched') }}
),

items as (
    select * from {{ ref('int_items_worked') }}
),

touched as (
    select month_start from changed_items
    union all
    select items.month_start
    from items
    inner join collectors
        on items.collector_id = collectors.collector_id
),

final as (
    select month_start
    from touched
    group by month_start
)

select * from final
