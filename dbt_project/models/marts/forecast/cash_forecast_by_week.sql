-- Grain: one row per company and week after the as-of date: thirteen weeks, and on to the end of
-- the half year in which the first of them begins. The share of a week's days that lies in the half
-- year is its part of that.
with forecasts as (
    select * from {{ ref('int_forecasts_weighed') }}
),

origins as (
    select * from {{ ref('int_forecast_origins') }}
    where is_current
),

placed as (
    select
        forecasts.*,
        {{ half_year_end(add_days('forecasts.origin_date', '1')) }} as half_year_end_date
    from forecasts
    inner join origins
        on forecasts.origin_date = origins.origin_date
),

counted as (
    select
        *,
        greatest(
            0, least(7, {{ days_between('week_start', 'half_year_end_date') }} + 1)
        ) as half_year_day_count
    from placed
),

final as (
    select
        origin_date as as_of_date,
        company_code,
        week_no,
        week_start,
        week_end,
        promise_amount,
        habit_amount,
        cohort_amount,
        forecast_amount,
        lower_amount,
        upper_amount,
        half_year_end_date,
        {{ prorate_amount('forecast_amount', 'half_year_day_count', '7') }}
            as until_half_year_end_amount
    from counted
)

select * from final
