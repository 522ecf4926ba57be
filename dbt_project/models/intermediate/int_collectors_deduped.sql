-- Grain: one row per collector, as last delivered. A collector that a full delivery leaves out
-- stays: history refers to it.
with delivered as (
    select * from {{ ref('stg_lake__collectors') }}
),

ranked as (
    select
        *,
        row_number() over (
            partition by collector_id
            order by _recorded_at desc, _load_sequence desc, _row_number desc
        ) as recency_rank
    from delivered
),

final as (
    select
        collector_id,
        collector_name,
        team_id,
        collector_role,
        hired_date,
        left_date,
        hourly_cost_amount,
        _load_id,
        _recorded_at
    from ranked
    where recency_rank = 1
)

select * from final
