-- Grain: one row per day from the first movement, or the first kept slice, to the as_of_date, with
-- the number of the first kept slice on or after it.
with slices as (
    select * from {{ ref('int_slices_kept') }}
),

movements as (
    select * from {{ ref('int_movements_daily') }}
    where is_current
),

first_movement as (
    select min(effective_date) as first_date from movements
),

bounds as (
    select
        least(
            min(slices.as_of_date),
            coalesce(min(first_movement.first_date), min(slices.as_of_date))
        ) as first_date,
        max(slices.as_of_date) as last_date
    from slices
    cross join first_movement
),

numbered_days as (
    select
        {{ add_days(
            'first_date', explode_integers('0', days_between('first_date', 'last_date'))
        ) }} as calendar_date
    from bounds
),

final as (
    select
        numbered_days.calendar_date,
        min(slices.slice_no) over (
            order by numbered_days.calendar_date desc
            rows between unbounded preceding and current row
        ) as next_slice_no
    from numbered_days
    left join slices
        on numbered_days.calendar_date = slices.as_of_date
)

select * from final
