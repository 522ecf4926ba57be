-- Grain: one row per company, with the month in which anything of its journal was first known.
with movements as (
    select * from {{ ref('int_movements_daily') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

first_recorded as (
    select
        company_code,
        min(_recorded_at) as first_recorded_at
    from movements
    group by company_code
),

final as (
    select
        first_recorded.company_code,
        {{ month_start(
            local_date('first_recorded.first_recorded_at', 'run_parameters.timezone')
        ) }} as first_known_month
    from first_recorded
    cross join run_parameters
)

select * from final
