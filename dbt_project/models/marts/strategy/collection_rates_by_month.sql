-- Grain: one row per month, company, credit grade (or `all`) and bucket that had a balance when the
-- month or one of the twelve before it began. The rate is of those twelve months: what a month
-- brought of what was open when it began.
with openings as (
    select * from {{ ref('int_openings_graded') }}
),

strategy_rules as (
    select * from {{ ref('strategy_rules') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

by_grade as (
    select
        company_code,
        credit_grade,
        aging_bucket,
        {{ month_number('month_start') }} as month_number,
        sum(opening_amount) as opening_amount,
        sum(collected_amount) as collected_amount
    from openings
    group by company_code, credit_grade, aging_bucket, {{ month_number('month_start') }}
),

by_any_grade as (
    select * from by_grade
    union all
    select
        company_code,
        'all' as credit_grade,
        aging_bucket,
        month_number,
        sum(opening_amount) as opening_amount,
        sum(collected_amount) as collected_amount
    from by_grade
    group by company_code, aging_bucket, month_number
),

-- A month counts for itself, as what is asked about, and for the twelve after it, as history.
counting_months as (
    select
        by_any_grade.company_code,
        by_any_grade.credit_grade,
        by_any_grade.aging_bucket,
        by_any_grade.opening_amount,
        by_any_grade.collected_amount,
        strategy_rules.expected_history_months,
        {{ month_number('run_parameters.as_of_date') }} as last_month_number,
        {{ explode_integers('0', 'strategy_rules.expected_history_months') }} as distance,
        by_any_grade.month_number as own_month_number
    from by_any_grade
    cross join strategy_rules
    cross join run_parameters
),

looked_back as (
    select
        company_code,
        credit_grade,
        aging_bucket,
        own_month_number + distance as month_number,
        max(expected_history_months) as expected_history_months,
        sum(case when distance = 0 then opening_amount else 0 end) as opening_amount,
        sum(case when distance = 0 then collected_amount else 0 end) as collected_amount,
        sum(case when distance > 0 then opening_amount else 0 end) as trailing_opening_amount,
        sum(case when distance > 0 then collected_amount else 0 end)
            as trailing_collected_amount
    from counting_months
    where own_month_number + distance <= last_month_number
    group by company_code, credit_grade, aging_bucket, own_month_number + distance
),

first_months as (
    select
        company_code,
        min(month_number) as first_month_number
    from by_grade
    group by company_code
),

parts as (
    select
        looked_back.*,
        case
            when
                looked_back.month_number - looked_back.expected_history_months
                >= first_months.first_month_number
                then looked_back.trailing_collected_amount
        end as collection_rate_numerator,
        case
            when
                looked_back.month_number - looked_back.expected_history_months
                >= first_months.first_month_number
                then looked_back.trailing_opening_amount
        end as collection_rate_denominator
    from looked_back
    inner join first_months
        on looked_back.company_code = first_months.company_code
),

final as (
    select
        {{ month_of_number('month_number') }} as month_start,
        company_code,
        credit_grade,
        aging_bucket,
        cast(opening_amount as decimal(28, 2)) as opening_amount,
        cast(collected_amount as decimal(28, 2)) as collected_amount,
        {{ measure_columns('collection_rate', missing="'insufficient_history'") }}
    from parts
)

select * from final
