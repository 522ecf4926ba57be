-- Grain: one row per company, scope, month and month in which the items fall due; due months after
-- the as-of date, and what has no due date of its own, are one row without a due month.
-- Balances are those at the month's end, in the running month at the as-of date; flows are those
-- of the month. Customers without a segment, a region or a team are counted as
-- `unassigned`.
with balances as (
    select * from {{ ref('int_balances_summed') }}
),

flows as (
    select * from {{ ref('int_movements_summed') }}
),

measured as (
    select
        company_code,
        segment,
        region,
        team_id,
        month_start,
        due_month_start,
        closing_amount,
        closing_current_amount,
        closing_owed_amount,
        unconverted_item_count,
        0 as unconverted_movement_count,
        cast(0 as decimal(28, 2)) as credit_sales_amount,
        cast(0 as decimal(28, 2)) as billed_amount,
        cast(0 as decimal(28, 2)) as cash_applied_amount,
        cast(0 as decimal(28, 2)) as cash_reversed_amount,
        cast(0 as decimal(28, 2)) as cash_days_from_document_date,
        cast(0 as decimal(28, 2)) as cash_days_from_due_date,
        cast(0 as decimal(28, 2)) as cash_within_0_days_amount,
        cast(0 as decimal(28, 2)) as cash_within_30_days_amount,
        cast(0 as decimal(28, 2)) as cash_within_60_days_amount,
        cast(0 as decimal(28, 2)) as cash_within_90_days_amount,
        cast(0 as decimal(28, 2)) as write_off_amount,
        cast(0 as decimal(28, 2)) as recovery_of_written_off_amount
    from balances
    union all
    select
        company_code,
        segment,
        region,
        team_id,
        month_start,
        due_month_start,
        cast(0 as decimal(28, 2)) as closing_amount,
        cast(0 as decimal(28, 2)) as closing_current_amount,
        cast(0 as decimal(28, 2)) as closing_owed_amount,
        0 as unconverted_item_count,
        unconverted_movement_count,
        credit_sales_amount,
        billed_amount,
        cash_applied_amount,
        cash_reversed_amount,
        cash_days_from_document_date,
        cash_days_from_due_date,
        cash_within_0_days_amount,
        cash_within_30_days_amount,
        cash_within_60_days_amount,
        cash_within_90_days_amount,
        write_off_amount,
        recovery_of_written_off_amount
    from flows
),

scoped as (
    select
        *,
        'company' as scope_type,
        company_code as scope_id
    from measured
    union all
    select
        *,
        'segment' as scope_type,
        segment as scope_id
    from measured
    union all
    select
        *,
        'region' as scope_type,
        region as scope_id
    from measured
    union all
    select
        *,
        'team' as scope_type,
        team_id as scope_id
    from measured
),

final as (
    select
        company_code,
        scope_type,
        scope_id,
        month_start,
        due_month_start,
        {%- for column in [
            'closing_amount', 'closing_current_amount', 'closing_owed_amount',
            'credit_sales_amount', 'billed_amount', 'cash_applied_amount', 'cash_reversed_amount',
            'cash_days_from_document_date', 'cash_days_from_due_date',
            'cash_within_0_days_amount', 'cash_within_30_days_amount',
            'cash_within_60_days_amount', 'cash_within_90_days_amount',
            'write_off_amount', 'recovery_of_written_off_amount'
        ] %}
            cast(sum({{ column }}) as decimal(28, 2)) as {{ column }},
        {%- endfor %}
        cast(sum(unconverted_item_count) as integer) as unconverted_item_count,
        cast(sum(unconverted_movement_count) as integer) as unconverted_movement_count
    from scoped
    group by company_code, scope_type, scope_id, month_start, due_month_start
)

select * from final
