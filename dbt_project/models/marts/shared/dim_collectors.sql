-- Grain: one row per collector.
with collectors as (
    select * from {{ ref('int_collectors_deduped') }}
),

final as (
    select
        collector_id,
        collector_name,
        team_id,
        collector_role,
        hired_date,
        left_date,
        hourly_cost_amount
    from collectors
)

select * from final
