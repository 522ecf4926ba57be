-- Grain: one row per period type, period, company and scope.
-- What fell due is counted as it stood open when the period began, or as it was billed in it:
-- cash that came before the period is in neither part of its recovery rate.
-- An amount without a rate is in no sum: rate_status tells where one is left out.
{%- set horizons = [0, 30, 60, 90] %}
with periods as (
    select * from {{ ref('int_periods_scoped') }}
),

receivables as (
    select * from {{ ref('int_receivables_scoped') }}
),

summed as (
    select
        periods.period_type,
        periods.period_start,
        periods.company_code,
        periods.scope_type,
        periods.scope_id,
        {%- for column in [
            'credit_sales_amount', 'cash_applied_amount', 'cash_reversed_amount',
            'write_off_amount', 'recovery_of_written_off_amount', 'unconverted_movement_count'
        ] %}
            sum(
                case
                    when
                        receivables.month_start >= periods.period_start
                        then receivables.{{ column }}
                end
            ) as {{ column }},
        {%- endfor %}
        sum(
            case
                when receivables.month_start = periods.opening_month
                    then receivables.closing_amount
            end
        ) as opening_amount,
        sum(
            case
                when receivables.month_start = periods.last_month then receivables.closing_amount
            end
        ) as closing_amount,
        sum(
            case
                when
                    receivables.month_start = periods.opening_month
                    and receivables.due_month_start < periods.period_start
                    then receivables.closing_owed_amount
            end
        ) as past_due_opening_amount,
        sum(
            case
                when receivables.due_month_start > periods.last_month then null
                when
                    receivables.month_start = periods.opening_month
                    and receivables.due_month_start >= periods.period_start
                    then receivables.closing_owed_amount
                when
                    receivables.month_start >= periods.period_start
                    and receivables.due_month_start is not null
                    then receivables.billed_amount
            end
        ) as falling_due_amount,
        sum(
            case
                when
                    receivables.month_start >= periods.period_start
                    and receivables.due_month_start <= periods.last_month
                    then receivables.cash_applied_amount
            end
        ) as cash_on_due_items_amount,
        sum(
            case
                when receivables.month_start in (periods.opening_month, periods.last_month)
                    then receivables.unconverted_item_count
            end
        ) as unconverted_item_count
    from periods
    inner join receivables
        on
            periods.company_code = receivables.company_code
            and periods.scope_type = receivables.scope_type
            and periods.scope_id = receivables.scope_id
            and receivables.month_start between periods.opening_month and periods.last_month
    group by
        periods.period_type,
        periods.period_start,
        periods.company_code,
        periods.scope_type,
        periods.scope_id
),

due_months as (
    select
        company_code,
        scope_type,
        scope_id,
        due_month_start,
        {%- for horizon in horizons %}
            sum(cash_within_{{ horizon }}_days_amount) as cash_within_{{ horizon }}_days_amount,
        {%- endfor %}
        sum(billed_amount) as billed_amount,
        sum(unconverted_movement_count) as unconverted_movement_count
    from receivables
    where due_month_start is not null
    group by company_code, scope_type, scope_id, due_month_start
),

due_in_period as (
    select
        periods.period_type,
        periods.period_start,
        periods.company_code,
        periods.scope_type,
        periods.scope_id,
        {%- for horizon in horizons %}
            sum(due_months.cash_within_{{ horizon }}_days_amount)
                as cash_within_{{ horizon }}_days_amount,
        {%- endfor %}
        sum(due_months.billed_amount) as billed_falling_due_amount,
        sum(due_months.unconverted_movement_count) as unconverted_movement_count
    from periods
    inner join due_months
        on
            periods.company_code = due_months.company_code
            and periods.scope_type = due_months.scope_type
            and periods.scope_id = due_months.scope_id
            and due_months.due_month_start between periods.period_start and periods.last_month
    group by
        periods.period_type,
        periods.period_start,
        periods.company_code,
        periods.scope_type,
        periods.scope_id
),

amounts as (
    select
        periods.*,
        {%- for column in [
            'credit_sales_amount', 'cash_applied_amount', 'cash_reversed_amount',
            'write_off_amount', 'recovery_of_written_off_amount', 'opening_amount',
            'closing_amount', 'past_due_opening_amount', 'falling_due_amount',
            'cash_on_due_items_amount'
        ] %}
            cast(coalesce(summed.{{ column }}, 0) as decimal(28, 2)) as {{ column }},
        {%- endfor %}
        case
            when
                summed.unconverted_item_count > 0
                or summed.unconverted_movement_count > 0
                or due_in_period.unconverted_movement_count > 0
                then 'missing'
            else 'ok'
        end as rate_status,
    {%- for horizon in horizons %}
        case
            when {{ add_days('periods.period_end', horizon) }} <= periods.as_of_date
                then coalesce(due_in_period.cash_within_{{ horizon }}_days_amount, 0)
        end as recovery_rate_within_{{ horizon }}_days_numerator,
        case
            when {{ add_days('periods.period_end', horizon) }} <= periods.as_of_date
                then coalesce(due_in_period.billed_falling_due_amount, 0)
        end as recovery_rate_within_{{ horizon }}_days_denominator{{ ',' if not loop.last }}
    {%- endfor %}
    from periods
    left join summed
        on
            periods.period_type = summed.period_type
            and periods.period_start = summed.period_start
            and periods.company_code = summed.company_code
            and periods.scope_type = summed.scope_type
            and periods.scope_id = summed.scope_id
    left join due_in_period
        on
            periods.period_type = due_in_period.period_type
            and periods.period_start = due_in_period.period_start
            and periods.company_code = due_in_period.company_code
            and periods.scope_type = due_in_period.scope_type
            and periods.scope_id = due_in_period.scope_id
),

parts as (
    select
        *,
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
        rate_status,
        {{ measure_columns('recovery_rate') }},
        {%- for horizon in horizons %}
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
