-- Grain: one row per day, from the start of the year of the first movement to the end of the year
-- after the as_of_date.
with days as (
    select * from {{ ref('int_days_sliced') }}
),

slices as (
    select * from {{ ref('int_slices_kept') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

bounds as (
    select
        cast(date_trunc('year', min(days.calendar_date)) as date) as first_date,
        {{ add_days(
            add_months("cast(date_trunc('year', max(run_parameters.as_of_date)) as date)", '24'),
            '-1'
        ) }} as last_date
    from days
    cross join run_parameters
),

calendar as (
    select
        {{ add_days(
            'first_date', explode_integers('0', days_between('first_date', 'last_date'))
        ) }} as calendar_date
    from bounds
),

final as (
    select
        calendar.calendar_date,
        cast(extract(year from calendar.calendar_date) as integer) as calendar_year,
        cast(case when extract(month from calendar.calendar_date) <= 6 then 1 else 2 end as integer)
            as calendar_half_year,
        cast(extract(quarter from calendar.calendar_date) as integer) as calendar_quarter,
        cast(extract(month from calendar.calendar_date) as integer) as calendar_month,
        cast(extract(day from calendar.calendar_date) as integer) as day_of_month,
        {{ iso_week('calendar.calendar_date') }} as iso_week,
        {{ iso_weekday('calendar.calendar_date') }} as iso_weekday,
        {{ month_start('calendar.calendar_date') }} as month_start,
        {{ month_end('calendar.calendar_date') }} as month_end,
        cast(date_trunc('quarter', calendar.calendar_date) as date) as quarter_start,
        calendar.calendar_date = {{ month_end('calendar.calendar_date') }} as is_month_end,
        slices.as_of_date is not null as is_slice_kept,
        calendar.calendar_date = run_parameters.as_of_date as is_as_of_date
    from calendar
    cross join run_parameters
    left join slices
        on calendar.calendar_date = slices.as_of_date
)

select * from final
