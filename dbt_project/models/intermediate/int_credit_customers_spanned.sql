-- Grain: one row per customer and months [month_from, month_to) at whose end the same was said last
-- of its credit limit and its solvency. Months are numbers, as in int_credit_events_summed.
{{ config(materialized='view') }}

with customers as (
    select * from {{ ref('stg_lake__customers') }}
),

parameters as (
    select * from {{ ref('int_credit_parameters_read') }}
),

known_customers as (
    select
        customers.customer_id,
        customers.credit_limit_amount,
        coalesce(customers.is_insolvent, false) as is_insolvent,
        customers._recorded_at,
        customers._load_sequence,
        customers._row_number,
        {{ known_from_month(
            'customers._recorded_at', 'parameters.first_recorded_at', 'parameters.timezone'
        ) }} as month_from
    from customers
    cross join parameters
),

ranked_customers as (
    select
        *,
        row_number() over (
            partition by customer_id, month_from
            order by _recorded_at desc, _load_sequence desc, _row_number desc
        ) as recency_rank
    from known_customers
),

final as (
    select
        customer_id,
        credit_limit_amount,
        is_insolvent,
        month_from,
        coalesce(
            lead(month_from) over (partition by customer_id order by month_from),
            {{ never_month() }}
        ) as month_to
    from ranked_customers
    where recency_rank = 1
)

select * from final
