-- Grain: one row per currency and span of days with one rate to the reporting currency. Where
-- the sources give no rate of the pair itself yet, the reciprocal of the opposite pair stands in.
with delivered as (
    select
        *,
        false as is_withdrawn
    from {{ ref('stg_lake__fx_rates') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

{{ versions_of(
    'fx_rates',
    ['rate_date', 'from_currency_code', 'to_currency_code'],
    ['fx_rate', 'is_withdrawn']
) }},

current_rates as (
    select
        versions.rate_date,
        versions.from_currency_code,
        versions.to_currency_code,
        versions.fx_rate,
        run_parameters.reporting_currency_code
    from versions
    cross join run_parameters
    where
        versions.valid_from < versions.valid_to
        and versions.valid_to = {{ far_future_at() }}
        and not versions.is_withdrawn
        and versions.from_currency_code <> versions.to_currency_code
),

direct as (
    select
        from_currency_code as currency_code,
        rate_date,
        fx_rate
    from current_rates
    where to_currency_code = reporting_currency_code
),

first_direct as (
    select
        currency_code,
        min(rate_date) as first_rate_date
    from direct
    group by currency_code
),

reciprocal as (
    select
        current_rates.to_currency_code as currency_code,
        current_rates.rate_date,
        {{ exact_ratio('1', 'current_rates.fx_rate') }} as fx_rate
    from current_rates
    left join first_direct
        on current_rates.to_currency_code = first_direct.currency_code
    where
        current_rates.from_currency_code = current_rates.reporting_currency_code
        and (
            first_direct.first_rate_date is null
            or current_rates.rate_date < first_direct.first_rate_date
        )
),

usable as (
    select
        currency_code,
        rate_date,
        fx_rate,
        false as is_reciprocal
    from direct
    union all
    select
        currency_code,
        rate_date,
        fx_rate,
        true as is_reciprocal
    from reciprocal
),

final as (
    select
        currency_code,
        rate_date as valid_from_date,
        coalesce(
            lead(rate_date) over (partition by currency_code order by rate_date),
            {{ far_future() }}
        ) as valid_to_date,
        fx_rate,
        is_reciprocal
    from usable
)

select * from final
