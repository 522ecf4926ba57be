-- Grain: one row per currency and day, from its first rate to its last. A day after the last one
-- takes the last one's: join on least(day, last_rate_date).
with spans as (
    select * from {{ ref('int_fx_rates_spanned') }}
),

bounded as (
    select
        currency_code,
        valid_from_date,
        fx_rate,
        max(valid_from_date) over (partition by currency_code) as last_rate_date,
        case
            when valid_to_date = {{ far_future() }} then valid_from_date
            else {{ add_days('valid_to_date', -1) }}
        end as last_date
    from spans
),

final as (
    select
        currency_code,
        {{ add_days(
            'valid_from_date',
            explode_integers('0', days_between('valid_from_date', 'last_date'))
        ) }} as rate_date,
        fx_rate,
        last_rate_date
    from bounded
)

select * from final
