-- Grain: one row per company, segment, region, team, month, credit class and due date with an open
-- balance. Balances at the month's end, in the running month at the as-of date. Customers without a
-- segment, a region or a team are counted as `unassigned`.
{{ config(materialized='view') }}

with balances as (
    select * from {{ ref('int_open_months_summed') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

final as (
    select
        balances.company_code,
        balances.segment,
        balances.region,
        balances.team_id,
        balances.credit_class_code,
        balances.due_date,
        run_parameters.as_of_date,
        balances.month_start,
        least({{ month_end('balances.month_start') }}, run_parameters.as_of_date)
            as measured_to_date,
        balances.open_amount,
        balances.unconverted_item_count
    from balances
    cross join run_parameters
)

select * from final
