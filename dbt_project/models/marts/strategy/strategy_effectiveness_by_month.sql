-- Grain: one row per month, company, strategy, channel (or `all`) and credit grade that was worked.
-- The strategy is the one that the matrix gives to what was past due when the month began. A month
-- is told of when the window after its last day has closed.
with worked as (
    select * from {{ ref('int_strategies_worked') }}
),

rates as (
    select * from {{ ref('collection_rates_by_month') }}
),

strategy_rules as (
    select * from {{ ref('strategy_rules') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

rated as (
    select
        worked.*,
        coalesce(rates.collection_rate, bucket_rates.collection_rate) as collection_rate,
        bucket_rates.collection_rate_status = 'insufficient_history' as is_history_short
    from worked
    inner join rates as bucket_rates
        on
            worked.month_start = bucket_rates.month_start
            and worked.company_code = bucket_rates.company_code
            and worked.aging_bucket = bucket_rates.aging_bucket
            and bucket_rates.credit_grade = 'all'
    left join rates
        on
            worked.month_start = rates.month_start
            and worked.company_code = rates.company_code
            and worked.aging_bucket = rates.aging_bucket
            and worked.credit_grade = rates.credit_grade
),

summed as (
    select
        month_start,
        company_code,
        strategy_code,
        channel,
        credit_grade,
        sum(worked_customer_count) as worked_customer_count,
        sum(contact_count) as contact_count,
        sum(costed_contact_count) as costed_contact_count,
        sum(cost_amount_seconds) as cost_amount_seconds,
        sum(worked_amount) as worked_amount,
        sum(collected_amount) as collected_amount,
        case
            when max(case when is_history_short then 1 else 0 end) = 0
                then {{ round_half_away(
                    'sum(coalesce(collection_rate, 0) * cast(worked_amount as decimal(28, 2)))'
                ) }}
        end as expected_amount
    from rated
    group by month_start, company_code, strategy_code, channel, credit_grade
),

closed as (
    select
        summed.*,
        run_parameters.as_of_date
        >= {{ add_days(
            month_end('summed.month_start'), 'strategy_rules.collected_within_days'
        ) }} as is_complete
    from summed
    cross join strategy_rules
    cross join run_parameters
),

parts as (
    select
        *,
        case when is_complete then collected_amount end as collected_rate_numerator,
        case when is_complete then worked_amount end as collected_rate_denominator,
        case when is_complete then collected_amount end as lift_numerator,
        case when is_complete then expected_amount end as lift_denominator
    from closed
),

measured as (
    select
        month_start,
        company_code,
        strategy_code,
        channel,
        credit_grade,
        is_complete,
        cast(worked_customer_count as integer) as worked_customer_count,
        cast(contact_count as integer) as contact_count,
        cast(worked_amount as decimal(28, 2)) as worked_amount,
        cast(collected_amount as decimal(28, 2)) as collected_amount,
        {{ measure_columns('collected_rate', missing="'insufficient_history'") }},
        cast(expected_amount as decimal(28, 2)) as expected_amount,
        {{ measure_columns('lift', missing="'insufficient_history'") }},
        cast(costed_contact_count as integer) as costed_contact_count,
        case
            when costed_contact_count > 0
                then cast(
                    {{ prorate_amount(
                        'cost_amount_seconds',
                        "cast(1 as decimal(18, 2))",
                        "cast(3600 as decimal(18, 2))"
                    ) }} as decimal(18, 2)
                )
        end as contact_cost_amount
    from parts
),

final as (
    select
        measured.*,
        previous.collected_rate as previous_collected_rate,
        cast(measured.collected_rate - previous.collected_rate as decimal(18, 8))
            as collected_rate_change
    from measured
    left join measured as previous
        on
            measured.company_code = previous.company_code
            and measured.strategy_code = previous.strategy_code
            and measured.channel = previous.channel
            and measured.credit_grade = previous.credit_grade
            and measured.month_start = {{ add_months('previous.month_start', 1) }}
)

select * from final
