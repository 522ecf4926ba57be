-- Grain: one row per company, customer, month, credit class and due date with an open balance.
-- Balances at the month's end, in the running month at the as-of date.
{%- set origin = "cast('1970-01-01' as date)" %}
with balances as (
    select * from {{ ref('receivables_by_span') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

-- A span holds the ends of the months from that of its first day to the one before its last; the
-- balance of the as-of date stands for the running month.
month_ranges as (
    select
        balances.company_code,
        balances.customer_id,
        balances.credit_class_code,
        balances.due_date,
        balances.open_amount,
        run_parameters.as_of_date,
        {{ months_between(origin, 'balances.open_from') }} as first_month_number,
        case
            when balances.open_to > run_parameters.as_of_date
                then {{ months_between(origin, 'run_parameters.as_of_date') }}
            else {{ months_between(origin, 'balances.open_to') }} - 1
        end as last_month_number
    from balances
    cross join run_parameters
    where balances.open_from <= run_parameters.as_of_date
),

months_open as (
    select
        company_code,
        customer_id,
        credit_class_code,
        due_date,
        open_amount,
        as_of_date,
        {{ explode_integers('first_month_number', 'last_month_number') }} as month_number
    from month_ranges
    where first_month_number <= last_month_number
),

by_due_date as (
    select
        company_code,
        customer_id,
        month_number,
        as_of_date,
        credit_class_code,
        due_date,
        sum(open_amount) as open_amount,
        sum(case when open_amount is null then 1 else 0 end) as unconverted_item_count
    from months_open
    group by company_code, customer_id, month_number, as_of_date, credit_class_code, due_date
),

dated as (
    select
        company_code,
        customer_id,
        credit_class_code,
        due_date,
        open_amount,
        unconverted_item_count,
        as_of_date,
        {{ add_months(origin, 'month_number') }} as month_start
    from by_due_date
),

final as (
    select
        company_code,
        customer_id,
        credit_class_code,
        due_date,
        as_of_date,
        month_start,
        least({{ month_end('month_start') }}, as_of_date) as measured_to_date,
        cast(coalesce(open_amount, 0) as decimal(28, 2)) as open_amount,
        cast(unconverted_item_count as integer) as unconverted_item_count
    from dated
)

select * from final
