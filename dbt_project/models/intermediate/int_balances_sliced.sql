-- Grain: one row per company, segment, region, team, month, credit class and due date with an open
-- balance. Balances at the month's end, in the running month at the as-of date. Customers without a
-- segment, a region or a team are counted as `unassigned`.
{%- set origin = "cast('1970-01-01' as date)" %}
with balances as (
    select * from {{ ref('receivables_by_span') }}
),

customers as (
    select * from {{ ref('int_customers_placed') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

-- A span holds the ends of the months from that of its first day to the one before its last; the
-- balance of the as-of date stands for the running month.
month_ranges as (
    select
        balances.company_code,
        coalesce(customers.segment, 'unassigned') as segment,
        coalesce(customers.region, 'unassigned') as region,
        coalesce(customers.team_id, 'unassigned') as team_id,
        balances.credit_class_code,
        balances.due_date,
        balances.open_amount,
        {{ months_between(origin, 'balances.open_from') }} as first_month_number,
        case
            when balances.open_to > run_parameters.as_of_date
                then {{ months_between(origin, 'run_parameters.as_of_date') }}
            else {{ months_between(origin, 'balances.open_to') }} - 1
        end as last_month_number
    from balances
    cross join run_parameters
    left join customers
        on balances.customer_id = customers.customer_id
    where balances.open_from <= run_parameters.as_of_date
),

months_open as (
    select
        company_code,
        segment,
        region,
        team_id,
        credit_class_code,
        due_date,
        open_amount,
        {{ explode_integers('first_month_number', 'last_month_number') }} as month_number
    from month_ranges
    where first_month_number <= last_month_number
),

by_due_date as (
    select
        company_code,
        segment,
        region,
        team_id,
        month_number,
        credit_class_code,
        due_date,
        sum(open_amount) as open_amount,
        count(*) - count(open_amount) as unconverted_item_count
    from months_open
    group by
        company_code, segment, region, team_id, month_number, credit_class_code, due_date
),

dated as (
    select
        *,
        {{ add_months(origin, 'month_number') }} as month_start
    from by_due_date
),

final as (
    select
        dated.company_code,
        dated.segment,
        dated.region,
        dated.team_id,
        dated.credit_class_code,
        dated.due_date,
        run_parameters.as_of_date,
        dated.month_start,
        least({{ month_end('dated.month_start') }}, run_parameters.as_of_date)
            as measured_to_date,
        cast(coalesce(dated.open_amount, 0) as decimal(28, 2)) as open_amount,
        cast(dated.unconverted_item_count as integer) as unconverted_item_count
    from dated
    cross join run_parameters
)

select * from final
