-- Grain: one row per company, period type and period, from its first booking to the as-of date.
-- The running period is measured to the as-of date: its days and months are those that have begun.
with movements as (
    select * from {{ ref('int_movements_daily') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

period_types as (
    select
        'month' as period_type,
        1 as month_count
    union all
    select
        'quarter' as period_type,
        3 as month_count
    union all
    select
        'half_year' as period_type,
        6 as month_count
    union all
    select
        'year' as period_type,
        12 as month_count
),

histories as (
    select
        movements.company_code,
        min(run_parameters.as_of_date) as as_of_date,
        {{ month_start('min(movements.effective_date)') }} as history_start_month
    from movements
    cross join run_parameters
    where
        movements.is_current
        and movements.effective_date <= run_parameters.as_of_date
    group by movements.company_code
),

month_numbers as (
    select
        company_code,
        as_of_date,
        history_start_month,
        {{ explode_integers(
            '0', months_between('history_start_month', 'as_of_date')
        ) }} as month_number
    from histories
),

months as (
    select
        company_code,
        as_of_date,
        history_start_month,
        {{ add_months('history_start_month', 'month_number') }} as month_start
    from month_numbers
),

months_in_periods as (
    select
        months.company_code,
        months.as_of_date,
        months.history_start_month,
        period_types.period_type,
        period_types.month_count,
        {{ add_months(
            "cast(date_trunc('year', months.month_start) as date)",
            "floor((extract(month from months.month_start) - 1) / period_types.month_count)"
            ~ " * period_types.month_count"
        ) }} as period_start
    from months
    cross join period_types
),

periods as (
    select
        company_code,
        as_of_date,
        history_start_month,
        period_type,
        month_count,
        period_start,
        {{ add_days(add_months('period_start', 'month_count'), -1) }} as period_end
    from months_in_periods
    group by
        company_code, as_of_date, history_start_month, period_type, month_count, period_start
),

final as (
    select
        company_code,
        as_of_date,
        history_start_month,
        period_type,
        period_start,
        period_end,
        least(period_end, as_of_date) as measured_to_date,
        {{ add_months('period_start', -1) }} as opening_month,
        {{ month_start('least(period_end, as_of_date)') }} as last_month,
        {{ days_between('period_start', 'least(period_end, as_of_date)') }} + 1 as day_count,
        {{ months_between('period_start', 'least(period_end, as_of_date)') }} + 1 as month_count,
        period_end <= as_of_date as is_complete
    from periods
)

select * from final
