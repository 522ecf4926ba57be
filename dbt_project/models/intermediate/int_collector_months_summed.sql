-- Grain: one row per collector and month with anything to count, up to the as-of date. What nobody
-- earned stands under `unattributed`.
{%- set counted_columns = [
    'contact_count', 'attempt_count', 'connect_count', 'right_party_contact_count',
    'complaint_count', 'upheld_complaint_count', 'customer_contacted_count',
    'promise_made_count', 'promise_made_amount', 'promise_kept_count', 'promise_kept_amount',
    'promise_partly_kept_count', 'promise_partly_kept_amount', 'promise_broken_count',
    'promise_broken_amount', 'collected_amount', 'collected_portfolio_owner_amount',
    'collected_last_touch_amount', 'collected_first_touch_amount', 'collected_linear_amount',
    'collected_promise_first_amount', 'earned_amount', 'taken_back_amount',
    'taken_back_afterwards_amount', 'timed_contact_count', 'contact_second_count'
] + channel_counts() %}
with counted as (
    select * from {{ ref('int_collector_months_counted') }}
),

surveys as (
    select * from {{ ref('int_surveys_dated') }}
),

trainings as (
    select * from {{ ref('int_trainings_assessed') }}
),

portfolios as (
    select * from {{ ref('int_portfolios_spanned') }}
),

targets as (
    select * from {{ ref('int_targets_deduped') }}
),

measure_rules as (
    select * from {{ ref('measure_rules') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

surveys_owned as (
    select
        coalesce(portfolios.collector_id, 'unattributed') as collector_id,
        surveys.month_start,
        surveys.score,
        surveys.score >= measure_rules.satisfied_score_from as is_satisfied
    from surveys
    cross join measure_rules
    left join portfolios
        on
            surveys.customer_id = portfolios.customer_id
            and surveys.survey_date >= portfolios.owned_from
            and surveys.survey_date < portfolios.owned_until
),

surveys_by_month as (
    select
        collector_id,
        month_start,
        count(*) as survey_count,
        sum(score) as survey_score_total,
        sum(case when is_satisfied then 1 else 0 end) as satisfied_survey_count
    from surveys_owned
    group by collector_id, month_start
),

trainings_by_month as (
    select
        collector_id,
        month_start,
        count(*) as assessed_count,
        sum(case when is_passed then 1 else 0 end) as passed_count,
        sum(case when is_first_attempt then 1 else 0 end) as first_attempt_assessed_count,
        sum(case when is_first_attempt and is_passed then 1 else 0 end)
            as first_attempt_passed_count
    from trainings
    where is_assessed_in_time
    group by collector_id, month_start
),

planned_months as (
    select
        targets.scope_id as collector_id,
        targets.period_start as month_start
    from targets
    cross join run_parameters
    where
        targets.scope_type = 'collector'
        and targets.period_type = 'month'
        and targets.period_start <= run_parameters.as_of_date
),

{%- set parts = ['counted', 'surveys_by_month', 'trainings_by_month'] %}

all_months as (
    {%- for part in parts %}
        select
            collector_id,
            month_start
        from {{ part }}
        union all
    {%- endfor %}
    select
        collector_id,
        month_start
    from planned_months
),

collector_months as (
    select
        collector_id,
        month_start
    from all_months
    group by collector_id, month_start
),

final as (
    select
        collector_months.collector_id,
        collector_months.month_start,
        {%- for column in counted_columns %}
            coalesce(counted.{{ column }}, 0) as {{ column }},
        {%- endfor %}
        coalesce(surveys_by_month.survey_count, 0) as survey_count,
        coalesce(surveys_by_month.survey_score_total, 0) as survey_score_total,
        coalesce(surveys_by_month.satisfied_survey_count, 0) as satisfied_survey_count,
        {%- for column in [
            'assessed_count', 'passed_count', 'first_attempt_assessed_count',
            'first_attempt_passed_count'
        ] %}
        coalesce(trainings_by_month.{{ column }}, 0) as {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
    from
        collector_months
    {%- for part in parts %}
    left join {{ part }}
        on
            collector_months.collector_id = {{ part }}.collector_id
            and collector_months.month_start = {{ part }}.month_start
    {%- endfor %}
)

select * from final
