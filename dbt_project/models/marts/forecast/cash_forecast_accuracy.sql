-- Grain: one row per company and past month end on which cash is forecast as it would have been
-- then, beside the cash that came until the as-of date from the receivables open at that time.
-- Weeks that are not over count for nothing.
with forecasts as (
    select * from {{ ref('int_forecasts_weighed') }}
),

items as (
    select * from {{ ref('int_items_forecast') }}
),

origins as (
    select * from {{ ref('int_forecast_origins') }}
    where not is_current
),

cash as (
    select * from {{ ref('int_cash_dated') }}
),

forecast_rules as (
    select * from {{ ref('forecast_rules') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

past_items as (
    select
        items.origin_date,
        items.company_code,
        items.document_id,
        items.installment_no
    from items
    inner join origins
        on items.origin_date = origins.origin_date
),

cash_by_week as (
    select
        past_items.origin_date,
        past_items.company_code,
        cast(
            floor(({{ days_between('past_items.origin_date', 'cash.effective_date') }} - 1) / 7)
            as integer
        ) + 1 as week_no,
        sum(cash.amount) as actual_amount
    from past_items
    inner join cash
        on
            past_items.company_code = cash.company_code
            and past_items.document_id = cash.document_id
            and past_items.installment_no = cash.installment_no
            and past_items.origin_date < cash.effective_date
    group by
        past_items.origin_date,
        past_items.company_code,
        cast(
            floor(({{ days_between('past_items.origin_date', 'cash.effective_date') }} - 1) / 7)
            as integer
        ) + 1
),

compared as (
    select
        forecasts.origin_date,
        forecasts.company_code,
        forecasts.week_no,
        forecasts.forecast_amount,
        forecasts.lower_amount,
        forecasts.upper_amount,
        coalesce(cash_by_week.actual_amount, 0) as actual_amount,
        forecast_rules.week_count,
        forecast_rules.interval_rate
    from forecasts
    inner join origins
        on forecasts.origin_date = origins.origin_date
    cross join forecast_rules
    cross join run_parameters
    left join cash_by_week
        on
            forecasts.origin_date = cash_by_week.origin_date
            and forecasts.company_code = cash_by_week.company_code
            and forecasts.week_no = cash_by_week.week_no
    where
        forecasts.week_no <= forecast_rules.week_count
        and forecasts.week_end <= run_parameters.as_of_date
),

parts as (
    select
        origin_date,
        company_code,
        count(*) as week_count,
        count(*) = max(week_count) as is_complete,
        sum(forecast_amount) as forecast_amount,
        sum(actual_amount) as actual_amount,
        max(interval_rate) as interval_rate,
        sum(abs(actual_amount - forecast_amount)) as weighted_absolute_error_rate_numerator,
        sum(actual_amount) as weighted_absolute_error_rate_denominator,
        sum(forecast_amount - actual_amount) as bias_rate_numerator,
        sum(actual_amount) as bias_rate_denominator,
        sum(case when actual_amount between lower_amount and upper_amount then 1 else 0 end)
            as interval_coverage_rate_numerator,
        count(*) as interval_coverage_rate_denominator
    from compared
    group by origin_date, company_code
),

final as (
    select
        parts.origin_date,
        parts.company_code,
        run_parameters.as_of_date,
        cast(parts.week_count as integer) as week_count,
        parts.is_complete,
        cast(parts.forecast_amount as decimal(18, 2)) as forecast_amount,
        cast(parts.actual_amount as decimal(18, 2)) as actual_amount,
        {{ measure_columns('weighted_absolute_error_rate') }},
        {{ measure_columns('bias_rate') }},
        {{ measure_columns('interval_coverage_rate') }},
        parts.interval_rate
    from parts
    cross join run_parameters
)

select * from final
