-- Grain: one row per plan: period, scope and measure, as last delivered.
-- What adds up from day to day (amounts, counts) is projected at the pace of the days gone; a rate
-- is projected as it stands. A measure that is not kept for the scope and kind of period, or that
-- nobody knows, has no actual value: `not_applicable`.
{%- set company_measures = {
    'turnover_by_period': [
        'receivables_turnover', 'turnover_days', 'days_sales_outstanding',
        'best_possible_days_sales_outstanding', 'average_days_delinquent',
        'average_collection_days', 'unpaid_rate', 'collection_effectiveness_index'
    ],
    'bad_debt_by_period': ['recovery_rate', 'bad_debt_rate'],
} %}
{%- set company_amounts = {
    'collected_amount': 'turnover_by_period.cash_applied_amount',
    'credit_sales_amount': 'turnover_by_period.credit_sales_amount',
    'closing_receivables_amount': 'turnover_by_period.closing_receivables_amount',
    'write_off_amount': 'bad_debt_by_period.write_off_amount',
    'net_write_off_amount': 'bad_debt_by_period.net_write_off_amount',
} %}
{%- set work_sums = [
    'collected_amount', 'contact_count', 'attempt_count', 'connect_count',
    'right_party_contact_count', 'promise_made_count', 'promise_made_amount',
    'promise_kept_count', 'promise_kept_amount', 'complaint_count', 'upheld_complaint_count'
] %}
{%- set work_rates = [
    'right_party_contact_rate_of_attempts', 'right_party_contact_rate_of_connects',
    'promise_kept_rate', 'promise_kept_rate_by_amount', 'complaint_rate', 'satisfaction_score',
    'satisfied_rate', 'training_pass_rate', 'training_pass_rate_first_attempt',
    'contacts_per_hour', 'collected_per_contact', 'contact_cost_rate'
] %}
with targets as (
    select * from {{ ref('int_targets_deduped') }}
),

{%- for mart in company_measures %}

    {{ mart }} as (
        select * from {{ ref(mart) }}
        where scope_type = 'company'
    ),
{%- endfor %}

scorecard as (
    select * from {{ ref('scorecard_by_quarter') }}
),

performance_by_collector as (
    select * from {{ ref('performance_by_collector_month') }}
),

performance_by_team as (
    select * from {{ ref('performance_by_team_month') }}
),

target_measures as (
    select * from {{ ref('target_measures') }}
),

measure_rules as (
    select * from {{ ref('measure_rules') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

periods as (
    select
        targets.period_type,
        targets.period_start,
        targets.scope_type,
        targets.scope_id,
        targets.measure,
        targets.target_value,
        run_parameters.as_of_date,
        {{ add_days(
            add_months(
                'targets.period_start',
                "case targets.period_type when 'month' then 1 when 'quarter' then 3"
                ~ " when 'half_year' then 6 else 12 end"
            ), -1
        ) }} as period_end
    from targets
    cross join run_parameters
),

planned as (
    select
        *,
        least(period_end, as_of_date) as measured_to_date,
        period_end <= as_of_date as is_complete,
        {{ days_between('period_start', 'period_end') }} + 1 as day_count,
        greatest(0, {{ days_between('period_start', 'least(period_end, as_of_date)') }} + 1)
            as elapsed_day_count
    from periods
),

-- The whole of several companies has amounts; its rates are those of the scorecard.
company_actuals as (
    {%- for mart, measures in company_measures.items() %}
        {%- for measure in measures %}
            select
                period_type,
                period_start,
                company_code,
                '{{ measure }}' as measure,
                {{ measure }} as actual_value,
                cast({{ measure }}_numerator as decimal(28, 8)) as actual_numerator,
                cast({{ measure }}_denominator as decimal(28, 8)) as actual_denominator,
                case
                    when rate_status = 'missing' then 'not_applicable'
                    else {{ measure }}_status
                end as actual_status
            from {{ mart }}
            union all
        {%- endfor %}
    {%- endfor %}
    {%- for measure, column in company_amounts.items() %}
        {%- for company in ['company_code', "'all'"] %}
            select
                period_type,
                period_start,
                {{ company }} as company_code,
                '{{ measure }}' as measure,
                cast(sum({{ column }}) as decimal(28, 8)) as actual_value,
                cast(null as decimal(28, 8)) as actual_numerator,
                cast(null as decimal(28, 8)) as actual_denominator,
                'ok' as actual_status
            from {{ column.split('.')[0] }}
            group by period_type, period_start{{ ', company_code' if loop.first }}
            union all
        {%- endfor %}
    {%- endfor %}
    select
        'quarter' as period_type,
        quarter_start as period_start,
        company_code,
        measure,
        value as actual_value,
        numerator as actual_numerator,
        denominator as actual_denominator,
        case when status in ('met', 'missed') then 'ok' else status end as actual_status
    from scorecard
    where
        measure in (
            'promise_kept_rate', 'complaint_rate', 'satisfaction_score', 'training_pass_rate'
        )
        or company_code = 'all'
),

performance as (
    {%- for scope in ['collector', 'team'] %}
        select
            '{{ scope }}' as scope_type,
            {{ scope }}_id as scope_id,
            month_start,
            customer_contacted_count,
            {%- for measure in work_sums %}
                {{ measure }},
            {%- endfor %}
        {%- for measure in work_rates %}
            {{ measure }}_numerator,
            {{ measure }}_denominator{{ ',' if not loop.last }}
        {%- endfor %}
        from performance_by_{{ scope }}
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

work_summed as (
    select
        planned.period_type,
        planned.period_start,
        planned.scope_type,
        planned.scope_id,
        planned.measure,
        cast(
            sum(
                case planned.measure
                    {%- for measure in work_sums %}
                        when '{{ measure }}' then performance.{{ measure }}
                    {%- endfor %}
                    {%- for measure in work_rates %}
                        when '{{ measure }}' then performance.{{ measure }}_numerator
                    {%- endfor %}
                end
            ) as decimal(28, 8)
        ) as numerator,
        cast(
            sum(
                case planned.measure
                    {%- for measure in work_rates %}
                        when '{{ measure }}' then performance.{{ measure }}_denominator
                    {%- endfor %}
                end
            ) as decimal(28, 8)
        ) as denominator
    from planned
    inner join performance
        on
            planned.scope_type = performance.scope_type
            and planned.scope_id = performance.scope_id
            and performance.month_start between planned.period_start and planned.period_end
    group by
        planned.period_type,
        planned.period_start,
        planned.scope_type,
        planned.scope_id,
        planned.measure
),

-- Customers of several months are no sum of those of each; a few answers are no sample.
work_measured as (
    select
        work_summed.*,
        work_summed.measure in (
            {%- for measure in work_sums %}
                '{{ measure }}'{{ ',' if not loop.last }}
            {%- endfor %}
        ) as is_sum,
        case
            when work_summed.measure = 'complaint_rate' and work_summed.period_type <> 'month'
                then null
            when
                work_summed.measure in ('satisfaction_score', 'satisfied_rate')
                and work_summed.denominator < measure_rules.minimum_survey_count
                then null
            else work_summed.numerator
        end as sampled_numerator,
        case
            when work_summed.measure in ('satisfaction_score', 'satisfied_rate')
                then 'insufficient_sample'
            else 'not_applicable'
        end as missing_status
    from work_summed
    cross join measure_rules
),

actuals as (
    select
        period_type,
        period_start,
        'company' as scope_type,
        company_code as scope_id,
        measure,
        actual_value,
        actual_numerator,
        actual_denominator,
        actual_status
    from company_actuals
    union all
    select
        period_type,
        period_start,
        scope_type,
        scope_id,
        measure,
        case
            when is_sum then numerator
            else {{ ratio_value('sampled_numerator', 'denominator') }}
        end as actual_value,
        case when not is_sum then numerator end as actual_numerator,
        case when not is_sum then denominator end as actual_denominator,
        case
            when is_sum then 'ok'
            else {{ ratio_status('sampled_numerator', 'denominator', 'missing_status') }}
        end as actual_status
    from work_measured
),

compared as (
    select
        planned.*,
        target_measures.measure is not null as is_known_measure,
        coalesce(target_measures.is_additive, false) as is_additive,
        target_measures.target_comparison,
        case
            when planned.elapsed_day_count = 0 then null
            when actuals.actual_status = 'ok' then actuals.actual_value
            when
                actuals.actual_status is null
                and planned.scope_type <> 'company'
                and target_measures.is_additive
                then 0
        end as actual_value,
        actuals.actual_numerator,
        actuals.actual_denominator,
        case
            when planned.elapsed_day_count = 0 then 'not_applicable'
            when actuals.actual_status is not null then actuals.actual_status
            when
                planned.scope_type <> 'company'
                and target_measures.is_additive
                then 'ok'
            else 'not_applicable'
        end as actual_status
    from planned
    left join target_measures
        on planned.measure = target_measures.measure
    left join actuals
        on
            planned.period_type = actuals.period_type
            and planned.period_start = actuals.period_start
            and planned.scope_type = actuals.scope_type
            and planned.scope_id = actuals.scope_id
            and planned.measure = actuals.measure
),

projected as (
    select
        *,
        actual_value as attainment_rate_numerator,
        target_value as attainment_rate_denominator,
        case
            when is_additive
                then {{ exact_average('target_value * elapsed_day_count', 'day_count') }}
            else target_value
        end as target_to_date_value,
        case when is_additive then {{ exact_average('actual_value', 'elapsed_day_count') }} end
            as run_rate_value,
        case
            when is_complete or not is_additive then actual_value
            else {{ exact_average('actual_value * day_count', 'elapsed_day_count') }}
        end as projected_value
    from compared
),

final as (
    select
        period_type,
        period_start,
        scope_type,
        scope_id,
        measure,
        as_of_date,
        period_end,
        measured_to_date,
        is_complete,
        cast(day_count as integer) as day_count,
        cast(elapsed_day_count as integer) as elapsed_day_count,
        is_known_measure,
        is_additive,
        target_comparison,
        cast(target_value as decimal(28, 8)) as target_value,
        cast(actual_value as decimal(28, 8)) as actual_value,
        actual_numerator,
        actual_denominator,
        actual_status,
        {{ measure_columns('attainment_rate', part_type='decimal(28, 8)') }},
        cast(target_to_date_value as decimal(28, 8)) as target_to_date_value,
        cast(run_rate_value as decimal(28, 8)) as run_rate_value,
        cast(projected_value as decimal(28, 8)) as projected_value,
        {%- for name, value in {
            'target_status': 'actual_value', 'projected_status': 'projected_value'
        }.items() %}
        case
            when actual_status <> 'ok' then actual_status
            when target_comparison is null then 'not_applicable'
            when target_comparison = 'at_least' and {{ value }} >= target_value then 'met'
            when target_comparison = 'at_most' and {{ value }} <= target_value then 'met'
            when target_comparison = 'below' and {{ value }} < target_value then 'met'
            else 'missed'
        end as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
    from projected
)

select * from final
