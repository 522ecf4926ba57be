-- Grain: one row per company, segment, region, month and month in which the items fall due.
-- Balances at the month's end, in the running month at the as-of date. Only items that are owed
-- have a due month, and only one that has come by the as-of date.
{%- set origin = "cast('1970-01-01' as date)" %}
with balances as (
    select * from {{ ref('int_balances_spanned') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
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
        balances.due_date,
        balances.credit_class_code is null as is_owed,
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
        due_date,
        is_owed,
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
        is_owed,
        due_date,
        sum(open_amount) as open_amount,
        sum(case when open_amount is null then 1 else 0 end) as unconverted_item_count
    from months_open
    group by company_code, customer_id, month_number, as_of_date, is_owed, due_date
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
        coalesce(customers.segment, 'unassigned') as segment,
        coalesce(customers.region, 'unassigned') as region,
        dated.month_start,
        case
            when dated.is_owed and dated.due_date <= dated.as_of_date
                then {{ month_start('dated.due_date') }}
        end as due_month_start,
        cast(coalesce(sum(dated.open_amount), 0) as decimal(28, 2)) as closing_amount,
        cast(
            coalesce(
                sum(
                    case
                        when
                            dated.is_owed
                            and dated.due_date
                            >= least({{ month_end('dated.month_start') }}, dated.as_of_date)
                            then dated.open_amount
                    end
                ),
                0
            ) as decimal(28, 2)
        ) as closing_current_amount,
        cast(
            coalesce(sum(case when dated.is_owed then dated.open_amount end), 0) as decimal(28, 2)
        ) as closing_owed_amount,
        cast(sum(dated.unconverted_item_count) as integer) as unconverted_item_count
    from dated
    left join customers
        on dated.customer_id = customers.customer_id
    group by
        dated.company_code,
        coalesce(customers.segment, 'unassigned'),
        coalesce(customers.region, 'unassigned'),
        dated.month_start,
        case
            when dated.is_owed and dated.due_date <= dated.as_of_date
                then {{ month_start('dated.due_date') }}
        end
)

select * from final
