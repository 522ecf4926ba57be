-- Grain: one row per company, segment, region, team, month and month in which the items fall due.
-- Only items that are owed have a due month, and only one that has come by the as-of date.
with balances as (
    select * from {{ ref('int_balances_sliced') }}
),

placed as (
    select
        *,
        credit_class_code is null as is_owed,
        case
            when credit_class_code is null and due_date <= as_of_date
                then {{ month_start('due_date') }}
        end as due_month_start
    from balances
),

final as (
    select
        company_code,
        segment,
        region,
        team_id,
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
    group by company_code, segment, region, team_id, month_start, due_month_start
)

select * from final
