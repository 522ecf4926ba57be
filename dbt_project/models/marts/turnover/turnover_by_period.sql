-- Grain: one row per period type, period, company and scope.
-- The running period is measured to the as-of date, with the days and months that have begun.
-- An amount without a rate is in no sum: rate_status tells where one is left out.
with periods as (
    select * from {{ ref('int_periods_scoped') }}
),

receivables as (
    select * from {{ ref('int_receivables_scoped') }}
),

months as (
    select
        company_code,
        scope_type,
        scope_id,
        month_start,
        extract(month from month_start) in (3, 6, 9, 12) as is_quarter_end,
        sum(closing_amount) as closing_amount,
        sum(closing_current_amount) as closing_current_amount,
        sum(closing_owed_amount) as closing_owed_amount,
        sum(credit_sales_amount) as credit_sales_amount,
        sum(cash_applied_amount) as cash_applied_amount,
        sum(cash_days_from_document_date) as cash_days_from_document_date,
        sum(cash_days_from_due_date) as cash_days_from_due_date,
        sum(unconverted_item_count) as unconverted_item_count,
        sum(unconverted_movement_count) as unconverted_movement_count
    from receivables
    group by company_code, scope_type, scope_id, month_start
),

summed as (
    select
        periods.period_type,
        periods.period_start,
        periods.company_code,
        periods.scope_type,
        periods.scope_id,
        {%- for column in [
            'credit_sales_amount', 'cash_applied_amount', 'cash_days_from_document_date',
            'cash_days_from_due_date', 'unconverted_movement_count'
        ] %}
            sum(
                case when months.month_start >= periods.period_start then months.{{ column }} end
            ) as {{ column }},
        {%- endfor %}
        sum(
            case when months.month_start = periods.opening_month then months.closing_amount end
        ) as opening_amount,
        {%- for column in [
            'closing_amount', 'closing_current_amount', 'closing_owed_amount',
            'unconverted_item_count'
        ] %}
            sum(
                case when months.month_start = periods.last_month then months.{{ column }} end
            ) as {{ column }},
        {%- endfor %}
        sum(months.closing_amount) as month_ends_amount,
        sum(months.unconverted_item_count) as month_ends_unconverted_item_count,
        sum(
            case
                when
                    months.month_start in (periods.opening_month, periods.last_month)
                    or months.is_quarter_end
                    then months.closing_amount
            end
        ) as quarter_ends_amount
    from periods
    inner join months
        on
            periods.company_code = months.company_code
            and periods.scope_type = months.scope_type
            and periods.scope_id = months.scope_id
            and months.month_start between periods.opening_month and periods.last_month
    group by
        periods.period_type,
        periods.period_start,
        periods.company_code,
        periods.scope_type,
        periods.scope_id
),

rolling as (
    select
        periods.period_type,
        periods.period_start,
        periods.company_code,
        periods.scope_type,
        periods.scope_id,
        sum(months.credit_sales_amount) as rolling_credit_sales_amount,
        sum(months.unconverted_movement_count) as rolling_unconverted_movement_count
    from periods
    inner join months
        on
            periods.company_code = months.company_code
            and periods.scope_type = months.scope_type
            and periods.scope_id = months.scope_id
            and months.month_start
            between {{ add_months('periods.last_month', -2) }} and periods.last_month
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
        {{ add_months('periods.last_month', -2) }} as rolling_start_date,
        -- Quarter ends from the opening to the closing balance, both included.
        periods.month_count + 1 as month_end_count,
        2 + case
            when periods.period_type = 'month' then 0
            else cast(floor((periods.month_count - 1) / 3) as integer)
        end as quarter_end_count,
        {%- for column in [
            'credit_sales_amount', 'cash_applied_amount', 'cash_days_from_document_date',
            'cash_days_from_due_date', 'opening_amount', 'closing_amount',
            'closing_current_amount', 'closing_owed_amount', 'month_ends_amount',
            'quarter_ends_amount'
        ] %}
            cast(coalesce(summed.{{ column }}, 0) as decimal(28, 2)) as {{ column }},
        {%- endfor %}
        cast(coalesce(rolling.rolling_credit_sales_amount, 0) as decimal(28, 2))
            as rolling_credit_sales_amount,
        cast(coalesce(summed.unconverted_item_count, 0) as integer) as unconverted_item_count,
        case
            when
                summed.month_ends_unconverted_item_count > 0
                or summed.unconverted_movement_count > 0
                or rolling.rolling_unconverted_movement_count > 0
                then 'missing'
            else 'ok'
        end as rate_status
    from periods
    left join summed
        on
            periods.period_type = summed.period_type
            and periods.period_start = summed.period_start
            and periods.company_code = summed.company_code
            and periods.scope_type = summed.scope_type
            and periods.scope_id = summed.scope_id
    left join rolling
        on
            periods.period_type = rolling.period_type
            and periods.period_start = rolling.period_start
            and periods.company_code = rolling.company_code
            and periods.scope_type = rolling.scope_type
            and periods.scope_id = rolling.scope_id
),

parts as (
    select
        *,
        credit_sales_amount as receivables_turnover_numerator,
        (opening_amount + closing_amount) * cast('0.5' as decimal(2, 1))
            as receivables_turnover_denominator,
        credit_sales_amount as receivables_turnover_13_point_numerator,
        {{ exact_average('month_ends_amount', 'month_end_count') }}
            as receivables_turnover_13_point_denominator,
        credit_sales_amount as receivables_turnover_5_point_numerator,
        case
            when period_type <> 'month'
                then {{ exact_average('quarter_ends_amount', 'quarter_end_count') }}
        end as receivables_turnover_5_point_denominator,
        credit_sales_amount * 2 as doubled_credit_sales_amount,
        opening_amount + closing_amount as doubled_average_amount,
        credit_sales_amount * month_end_count as month_end_credit_sales_amount,
        credit_sales_amount * quarter_end_count as quarter_end_credit_sales_amount,
        case when period_type <> 'month' then quarter_ends_amount end
            as quarter_end_balances_amount,
        -- Without a turnover there are no turnover days, whatever their own parts.
        case
            when opening_amount + closing_amount > 0
                then (opening_amount + closing_amount) * day_count * cast('0.5' as decimal(2, 1))
        end as turnover_days_numerator,
        credit_sales_amount as turnover_days_denominator,
        case
            when opening_amount + closing_amount < 0 then 'negative_denominator'
            else 'zero_denominator'
        end as average_balance_status,
        closing_amount * day_count as days_sales_outstanding_numerator,
        credit_sales_amount as days_sales_outstanding_denominator,
        case
            when rolling_start_date >= history_start_month
                then
                    closing_amount
                    * ({{ days_between('rolling_start_date', 'measured_to_date') }} + 1)
        end as days_sales_outstanding_rolling_3m_numerator,
        case when rolling_start_date >= history_start_month then rolling_credit_sales_amount end
            as days_sales_outstanding_rolling_3m_denominator,
        closing_current_amount * day_count as best_possible_days_sales_outstanding_numerator,
        credit_sales_amount as best_possible_days_sales_outstanding_denominator,
        (closing_amount - closing_current_amount) * day_count as average_days_delinquent_numerator,
        credit_sales_amount as average_days_delinquent_denominator,
        cash_days_from_document_date as average_collection_days_numerator,
        cash_applied_amount as average_collection_days_denominator,
        cash_days_from_due_date as average_collection_days_from_due_date_numerator,
        cash_applied_amount as average_collection_days_from_due_date_denominator,
        closing_owed_amount as unpaid_rate_numerator,
        closing_owed_amount + cash_applied_amount as unpaid_rate_denominator,
        -- The index is of 100: the numerator carries the factor. N x both parts are exact.
        100 * ((opening_amount - closing_amount) * month_count + credit_sales_amount)
            as exact_index_numerator,
        (opening_amount - closing_current_amount) * month_count + credit_sales_amount
            as exact_index_denominator,
        100 * (opening_amount + credit_sales_amount - closing_amount)
            as collection_effectiveness_index_period_total_numerator,
        opening_amount + credit_sales_amount - closing_current_amount
            as collection_effectiveness_index_period_total_denominator
    from amounts
),

indexed as (
    select
        *,
        {{ exact_average('exact_index_numerator', 'month_count') }}
            as collection_effectiveness_index_numerator,
        {{ exact_average('exact_index_denominator', 'month_count') }}
            as collection_effectiveness_index_denominator
    from parts
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
        day_count,
        month_count,
        cast(opening_amount as decimal(18, 2)) as opening_receivables_amount,
        cast(closing_amount as decimal(18, 2)) as closing_receivables_amount,
        cast(closing_current_amount as decimal(18, 2)) as closing_current_amount,
        cast(credit_sales_amount as decimal(18, 2)) as credit_sales_amount,
        cast(cash_applied_amount as decimal(18, 2)) as cash_applied_amount,
        unconverted_item_count,
        rate_status,
        {{ measure_columns(
            'receivables_turnover',
            exact_numerator='doubled_credit_sales_amount',
            exact_denominator='doubled_average_amount',
            part_type='decimal(28, 8)',
        ) }},
        {{ measure_columns(
            'receivables_turnover_13_point',
            exact_numerator='month_end_credit_sales_amount',
            exact_denominator='month_ends_amount',
            part_type='decimal(28, 8)',
        ) }},
        {{ measure_columns(
            'receivables_turnover_5_point',
            exact_numerator='quarter_end_credit_sales_amount',
            exact_denominator='quarter_end_balances_amount',
            part_type='decimal(28, 8)',
        ) }},
        {{ measure_columns(
            'turnover_days',
            missing='average_balance_status',
            part_type='decimal(28, 8)',
        ) }},
        {{ measure_columns('days_sales_outstanding') }},
        {{ measure_columns(
            'days_sales_outstanding_rolling_3m', missing="'insufficient_history'"
        ) }},
        {{ measure_columns('best_possible_days_sales_outstanding') }},
        {{ measure_columns('average_days_delinquent') }},
        {{ measure_columns('average_collection_days') }},
        {{ measure_columns('average_collection_days_from_due_date') }},
        {{ measure_columns('unpaid_rate') }},
        {{ measure_columns(
            'collection_effectiveness_index',
            exact_numerator='exact_index_numerator',
            exact_denominator='exact_index_denominator',
            part_type='decimal(28, 8)',
        ) }},
        {{ measure_columns('collection_effectiveness_index_period_total') }}
    from indexed
)

select * from final
