-- Grain: one row per period type, period, company and scope.
-- What fell due is counted as it stood open when the period began, or as it was billed in it:
-- cash that came before the period is in neither part of its recovery rate.
-- An amount without a rate is in no sum: rate_status tells where one is left out.
-- A view: rows of customers are worked out when they are asked for. Only marts are read, named
-- without their database, so that the view also works in the published copy.
{{ config(materialized='view') }}

with kept as (
    select * from {{ ref('receivables_by_period').include(database=false) }}
),

of_customers as (
    select * from {{ ref('receivables_by_customer_period').include(database=false) }}
),

amounts as (
    select * from kept
    union all
    select * from of_customers
),

parts as (
    select
        *,
        {%- for horizon in recovery_horizons() %}
            case
                when {{ add_days('period_end', horizon) }} <= as_of_date
                    then cash_within_{{ horizon }}_days_amount
            end as recovery_rate_within_{{ horizon }}_days_numerator,
            case
                when {{ add_days('period_end', horizon) }} <= as_of_date
                    then billed_falling_due_amount
            end as recovery_rate_within_{{ horizon }}_days_denominator,
        {%- endfor %}
        cash_on_due_items_amount as recovery_rate_numerator,
        past_due_opening_amount + falling_due_amount as recovery_rate_denominator,
        write_off_amount as bad_debt_rate_numerator,
        closing_amount + write_off_amount as bad_debt_rate_denominator,
        write_off_amount as bad_debt_rate_of_average_receivables_numerator,
        (opening_amount + closing_amount) * cast('0.5' as decimal(2, 1))
            as bad_debt_rate_of_average_receivables_denominator,
        write_off_amount as bad_debt_rate_of_credit_sales_numerator,
        credit_sales_amount as bad_debt_rate_of_credit_sales_denominator
    from amounts
),

final as (
    select
        as_of_date,
        period_type,
        period_start,
        period_end,
        measured_to_date,
        is_complete,
        company_code,
        scope_type,
        scope_id,
        cast(past_due_opening_amount as decimal(18, 2)) as past_due_opening_amount,
        cast(falling_due_amount as decimal(18, 2)) as falling_due_amount,
        cast(cash_on_due_items_amount as decimal(18, 2)) as cash_on_due_items_amount,
        cast(cash_applied_amount as decimal(18, 2)) as cash_applied_amount,
        cast(cash_reversed_amount as decimal(18, 2)) as cash_reversed_amount,
        cast(write_off_amount as decimal(18, 2)) as write_off_amount,
        cast(recovery_of_written_off_amount as decimal(18, 2)) as recovery_of_written_off_amount,
        cast(write_off_amount - recovery_of_written_off_amount as decimal(18, 2))
            as net_write_off_amount,
        bad_debt_rate_status as rate_status,
        {{ measure_columns('recovery_rate') }},
        {%- for horizon in recovery_horizons() %}
        {{ measure_columns(
            'recovery_rate_within_' ~ horizon ~ '_days', missing="'insufficient_history'"
        ) }},
        {%- endfor %}
        {{ measure_columns('bad_debt_rate') }},
        {{ measure_columns('bad_debt_rate_of_average_receivables', part_type='decimal(28, 3)') }},
        {{ measure_columns('bad_debt_rate_of_credit_sales') }}
    from parts
)

select * from final
