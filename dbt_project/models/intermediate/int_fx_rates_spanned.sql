-- Grain: one row per currency and span of days with one rate to the reporting currency, as last
-- delivered. Where the sources give no rate of the pair itself yet, the reciprocal of the opposite
-- pair stands in.
{{ config(**replaces_touched(by='int_currencies_touched', keys=['currency_code'])) }}

with delivered as (
    select * from {{ ref('stg_lake__fx_rates') }}
    where from_currency_code <> to_currency_code
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

ranked as (
    select
        delivered.*,
        run_parameters.reporting_currency_code,
        row_number() over (
            partition by
                delivered.rate_date, delivered.from_currency_code, delivered.to_currency_code
            order by
                delivered._recorded_at desc,
                delivered._load_sequence desc,
                delivered._row_number desc
        ) as recency_rank
    from delivered
    cross join run_parameters
),

current_rates as (
    select * from ranked
    where recency_rank = 1
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
    where {{ touched_only('usable', 'int_currencies_touched', ['currency_code']) }}
)

select * from final
