-- Grain: one row per company, segment, region, month and month in which the items fall due.
-- Only items that are owed have a due month, and only one that has come by the as-of date.
with balances as (
    select * from {{ ref('int_balances_sliced') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),

placed as (
    select
        balances.company_code,
        coalesce(customers.segment, 'unassigned') as segment,
        coalesce(customers.region, 'unassigned') as region,
        balances.month_start,
        balances.measured_to_date,
        balances.credit_class_code is null as is_owed,
        balances.due_date,
        case
            when balances.credit_class_code is null and balances.due_date <= balances.as_of_date
                then {{ month_start('balances.due_date') }}
        end as due_month_start,
        balances.open_amount,
        balances.unconverted_item_count
    from balances
    left join customers
        on balances.customer_id = customers.customer_id
),

final as (
    select
        company_code,
        segment,
        region,
        month_start,
        due_month_start,
        cast(sum(open_amount) as decimal(28, 2)) as closing_amount,
        cast(
            sum(case when is_owed and due_date >= measured_to_date then open_amount else 0 end)
            as decimal(28, 2)
        ) as closing_current_amount,
        cast(
            sum(case when is_owed then open_amount else 0 end) as decimal(28, 2)
        ) as closing_owed_amount,
        cast(sum(unconverted_item_count) as integer) as unconverted_item_count
    from placed
    group by company_code, segment, region, month_start, due_month_start
)

select * from final
