-- Grain: one row per company, period type, period and scope that ever had a receivable.
with periods as (
    select * from {{ ref('int_periods_listed') }}
),

receivables as (
    select * from {{ ref('int_receivables_scoped') }}
),

scopes as (
    select
        company_code,
        scope_type,
        scope_id
    from receivables
    group by company_code, scope_type, scope_id
),

final as (
    select
        periods.company_code,
        periods.as_of_date,
        periods.history_start_month,
        periods.period_type,
        periods.period_start,
        periods.period_end,
        periods.measured_to_date,
        periods.opening_month,
        periods.last_month,
        periods.day_count,
        periods.month_count,
        periods.is_complete,
        scopes.scope_type,
        scopes.scope_id
    from periods
    inner join scopes
        on periods.company_code = scopes.company_code
)

select * from final
