-- Grain: one row per month, company and team of collectors who owned something open when the month
-- began, by the team of today; their sums, divided again.
with collector_months as (
    select * from {{ ref('expected_cash_by_collector_month') }}
),

summed as (
    select
        month_start,
        company_code,
        team_id,
        is_complete,
        count(*) as collector_count,
        sum(assigned_amount) as assigned_amount,
        sum(assigned_without_rate_amount) as assigned_without_rate_amount,
        sum(expected_amount) as expected_amount,
        sum(collected_amount) as collected_amount
    from collector_months
    group by month_start, company_code, team_id, is_complete
),

parts as (
    select
        *,
        collected_amount as lift_numerator,
        expected_amount as lift_denominator
    from summed
),

final as (
    select
        month_start,
        company_code,
        team_id,
        is_complete,
        cast(collector_count as integer) as collector_count,
        cast(assigned_amount as decimal(28, 2)) as assigned_amount,
        cast(assigned_without_rate_amount as decimal(28, 2)) as assigned_without_rate_amount,
        cast(expected_amount as decimal(28, 2)) as expected_amount,
        cast(collected_amount as decimal(28, 2)) as collected_amount,
        {{ measure_columns('lift', missing="'insufficient_history'") }}
    from parts
)

select * from final
