-- Grain: one row per period type, period, company and scope.
-- The running period is measured to the as-of date, with the days and months that have begun.
-- An amount without a rate is in no sum: rate_status tells where one is left out.
-- A view: rows of customers are worked out when they are asked for. Only marts are read, named
-- without their database, so that the view also works in the published copy.
{%- set countbacks = {
    'days_sales_outstanding_countback': {
        'condition': "countback_status = 'ok'",
        'day_count': 'countback_day_count',
        'lower_bound': 'history_day_count',
    },
    'days_sales_outstanding_countback_skip': {
        'condition': "countback_status = 'ok'",
        'day_count': 'countback_selling_day_count',
        'lower_bound': 'history_selling_day_count',
    },
    'days_sales_outstanding_countback_stop': {
        'condition': "countback_status = 'ok' and days_since_idle is null",
        'day_count': 'countback_day_count',
        'lower_bound': 'coalesce(days_since_idle, history_day_count)',
    },
} %}
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
        -- Days of the periods that are covered whole, and the share of the last one.
        {%- for variant, policy in countbacks.items() %}
            case
                when {{ policy['condition'] }}
                    then
                        {{ policy['day_count'] }} * countback_sales_amount
                        + countback_last_day_count * countback_covered_amount
            end as {{ variant }}_numerator,
            case when {{ policy['condition'] }} then countback_sales_amount end
                as {{ variant }}_denominator,
            case
                when countback_status = 'ok' and not ({{ policy['condition'] }})
                    then 'insufficient_history'
                else countback_status
            end as {{ variant }}_missing_status,
            case
                when countback_status <> 'not_applicable' and not ({{ policy['condition'] }})
                    then {{ policy['lower_bound'] }}
            end as {{ variant }}_lower_bound,
        {%- endfor %}
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
        -- A company whose books begin later has these parts too: its group may have the measure.
        closing_amount * ({{ days_between('rolling_start_date', 'measured_to_date') }} + 1)
            as days_sales_outstanding_rolling_3m_numerator,
        rolling_credit_sales_amount as days_sales_outstanding_rolling_3m_denominator,
        case when rolling_start_date >= history_start_month then rolling_credit_sales_amount end
            as rolling_sales_of_history_amount,
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
            as collection_effectiveness_index_period_total_denominator,
        case when aged_sales_status = 'ok' then aged_sales_days end
            as true_days_sales_outstanding_numerator,
        case when aged_sales_status = 'ok' then 1 end as true_days_sales_outstanding_denominator
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
        turnover_rate_status as rate_status,
        'as_billed' as tax_basis,
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
            'days_sales_outstanding_rolling_3m',
            missing="'insufficient_history'",
            exact_denominator='rolling_sales_of_history_amount',
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
        {{ measure_columns('collection_effectiveness_index_period_total') }},
        {%- for variant in countbacks %}
            {{ measure_columns(variant, missing=variant ~ '_missing_status') }},
            {{ variant }}_lower_bound,
        {%- endfor %}
        {{ measure_columns(
            'true_days_sales_outstanding',
            missing='aged_sales_status',
            part_type='decimal(28, 8)',
        ) }}
    from indexed
)

select * from final
