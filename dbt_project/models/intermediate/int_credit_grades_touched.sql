-- Grain: one row per customer and month whose grade may be told otherwise since the build before:
-- months that have begun since, of all customers; of those of whom something counts otherwise, the
-- months from then on. Empty when the warehouse is built from nothing.
with events as (
    select * from {{ ref('int_credit_events_summed') }}
),

changed_events as (
    {{ changed_rows('int_credit_events_summed', ['customer_id', 'month_number']) }}
),

customers as (
    select * from {{ ref('stg_lake__customers') }}
),

parameters as (
    select * from {{ ref('int_credit_parameters_read') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

touched as (
    select
        events.customer_id,
        {{ month_number('run_parameters.previous_as_of_date') }} + 1 as month_number
    from events
    cross join run_parameters
    where
        {{ month_number('run_parameters.previous_as_of_date') }}
        < {{ month_number('run_parameters.as_of_date') }}
    union all
    select
        customer_id,
        month_number
    from changed_events
    union all
    select
        customers.customer_id,
        {{ known_from_month(
            'customers._recorded_at', 'parameters.first_recorded_at', 'parameters.timezone'
        ) }} as month_number
    from customers
    cross join parameters
    cross join run_parameters
    where
        customers._recorded_at > run_parameters.previous_known_at
        or parameters.first_recorded_at > run_parameters.previous_known_at
),

first_touched as (
    select
        customer_id,
        min(month_number) as month_number
    from touched
    group by customer_id
),

event_months as (
    select month_number from events
    union all
    select month_number from changed_events
),

-- Before the first of them no customer had a grade.
first_months as (
    select min(month_number) as month_number
    from event_months
    having count(*) > 0
),

month_ranges as (
    select
        first_touched.customer_id,
        greatest(first_touched.month_number, first_months.month_number) as first_month_number,
        {{ month_number('run_parameters.as_of_date') }} as last_month_number
    from first_touched
    cross join first_months
    cross join run_parameters
),

months as (
    select
        customer_id,
        {{ explode_integers('first_month_number', 'last_month_number') }} as month_number
    from month_ranges
    where first_month_number <= last_month_number
),

final as (
    select
        customer_id,
        cast(month_number as integer) as month_number,
        {{ month_of_number('month_number') }} as month_start
    from months
)

select * from final
