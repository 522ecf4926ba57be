-- Grain: one row per day on which cash is forecast: the as-of date, and past month ends as known
-- when they ended, of which something was known then.
with loads as (
    select * from {{ ref('stg_lake__loads') }}
    where load_status = 'admitted'
),

forecast_rules as (
    select * from {{ ref('forecast_rules') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

months_back as (
    select
        run_parameters.as_of_date,
        run_parameters.timezone,
        {{ explode_integers('1', 'forecast_rules.past_month_count') }} as month_count
    from run_parameters
    cross join forecast_rules
),

month_ends as (
    select
        timezone,
        {{ month_end(add_months(month_start('as_of_date'), '-month_count')) }} as origin_date
    from months_back
),

loads_dated as (
    select
        loads.recorded_at,
        {{ local_date('loads.recorded_at', 'run_parameters.timezone') }} as recorded_date
    from loads
    cross join run_parameters
),

past as (
    select
        month_ends.origin_date,
        max(loads_dated.recorded_at) as origin_known_at
    from month_ends
    inner join loads_dated
        on month_ends.origin_date >= loads_dated.recorded_date
    group by month_ends.origin_date
),

final as (
    select
        origin_date,
        origin_known_at,
        false as is_current
    from past
    union all
    select
        as_of_date as origin_date,
        known_at as origin_known_at,
        true as is_current
    from run_parameters
)

select * from final
