-- Grain: one row per month and team with anything to count, a plan included. The members are
-- those of the month. Cash that nobody earned stands under team `unattributed`; collectors without
-- a team are `unassigned`.
with performance as (
    select * from {{ ref('int_performance_measured') }}
    where scope_type = 'team'
),

final as (
    select
        month_start,
        team_id,
        {{ performance_columns() }}
    from performance
)

select * from final
