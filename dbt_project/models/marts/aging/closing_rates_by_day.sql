-- Grain: one row per currency of an account and day from the first movement to the as_of_date: the
-- last rate on or before the day, null where there is none.
with accounts as (
    select * from {{ ref('aging_accounts') }}
),

days as (
    select * from {{ ref('int_days_sliced') }}
),

rates as (
    select * from {{ ref('int_fx_rates_filled') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

currencies as (
    select currency_code
    from accounts
    group by currency_code
),

last_rates as (
    select
        currency_code,
        max(last_rate_date) as last_rate_date
    from rates
    group by currency_code
),

rated as (
    select
        currencies.currency_code,
        days.calendar_date as rate_date,
        case
            when currencies.currency_code = run_parameters.reporting_currency_code
                then cast(1 as decimal(18, 8))
            else rates.fx_rate
        end as fx_rate
    from currencies
    cross join days
    cross join run_parameters
    left join last_rates
        on currencies.currency_code = last_rates.currency_code
    left join rates
        on
            currencies.currency_code = rates.currency_code
            and least(days.calendar_date, last_rates.last_rate_date) = rates.rate_date
),

final as (
    select
        currency_code,
        rate_date,
        cast(fx_rate as decimal(18, 8)) as fx_rate,
        case when fx_rate is null then 'missing' else 'ok' end as rate_status
    from rated
)

select * from final
