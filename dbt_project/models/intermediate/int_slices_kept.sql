-- Grain: one row per day for which aging is kept: the as_of_date and the 34 days before it, and
-- every month end from the month of the first movement.
with run_parameters as (
    select * from {{ ref('run_parameters') }}
),

movements as (
    select * from {{ ref('int_movements_daily') }}
    where is_current
),

bounds as (
    select
        max(run_parameters.as_of_date) as as_of_date,
        least(
            coalesce(min(movements.effective_date), max(run_parameters.as_of_date)),
            max(run_parameters.as_of_date)
        ) as first_date
    from run_parameters
    left join movements
        on run_parameters.as_of_date >= movements.effective_date
),

month_numbers as (
    select
        first_date,
        as_of_date,
        {{ explode_integers('0', months_between('first_date', 'as_of_date')) }} as month_number
    from bounds
),

month_ends as (
    select
        {{ month_end(add_months(month_start('first_date'), 'month_number')) }} as slice_date,
        as_of_date as last_date
    from month_numbers
),

day_numbers as (
    select
        as_of_date,
        {{ explode_integers('0', '34') }} as day_number
    from bounds
),

days as (
    select {{ add_days('as_of_date', '-day_number') }} as slice_date
    from day_numbers
),

slice_dates as (
    select slice_date from month_ends
    where slice_date <= last_date
    union
    select slice_date from days
),

final as (
    select
        slice_date as as_of_date,
        cast(row_number() over (order by slice_date) as integer) as slice_no,
        slice_date = {{ month_end('slice_date') }} as is_month_end
    from slice_dates
)

select * from final
