-- Grain: one row per plan: period, scope and measure, as last delivered.
-- What adds up from day to day (amounts, counts) is projected at the pace of the days gone; a rate
-- is projected as it stands. A measure that is not kept for the scope, or that nobody knows, has no
-- actual value: `not_applicable`.
-- Collectors work for all companies: what is only counted by collector is known of them, of their
-- teams and of the group (`all`, or the only company), and of no other company.
{%- set amounts = {
    'collected_amount': 'turnover.cash_applied_amount',
    'credit_sales_amount': 'turnover.credit_sales_amount',
    'closing_receivables_amount': 'turnover.closing_receivables_amount',
    'write_off_amount': 'bad_debt.write_off_amount',
    'net_write_off_amount': 'bad_debt.net_write_off_amount',
} %}
{%- set work_sums = [
    'collected_amount', 'contact_count', 'attempt_count', 'connect_count',
    'right_party_contact_count', 'promise_made_count', 'promise_made_amount',
    'promise_kept_count', 'promise_kept_amount', 'complaint_count', 'upheld_complaint_count'
] %}
{%- set scorecard_rates = ['promise_kept_rate', 'satisfaction_score', 'training_pass_rate'] %}
{%- set work_rates = scorecard_rates + [
    'right_party_contact_rate_of_attempts', 'right_party_contact_rate_of_connects',
    'promise_kept_rate_by_amount', 'satisfied_rate', 'training_pass_rate_first_attempt',
    'contacts_per_hour', 'collected_per_contact', 'contact_cost_rate'
] %}
{%- set success_rates = ['success_rate', 'success_rate_by_amount'] %}
{%- set key = ['period_type', 'period_start', 'scope_type', 'scope_id', 'measure'] %}
with targets as (
    select * from {{ ref('int_targets_deduped') }}
),

scorecards as (
    select * from {{ ref('int_scorecards_measured') }}
),

turnover as (
    select * from {{ ref('turnover_by_period') }}
    where scope_type in ('company', 'team')
),

bad_debt as (
    select * from {{ ref('bad_debt_by_period') }}
    where scope_type in ('company', 'team')
),

performance_by_collector as (
    select * from {{ ref('performance_by_collector_month') }}
),

performance_by_team as (
    select * from {{ ref('performance_by_team_month') }}
),

success as (
    select * from {{ ref('collection_success_by_month') }}
),

contacts as (
    select * from {{ ref('int_contacts_dated') }}
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

groups as (
    select
        case
            when count(distinct company_code) = 1 then min(company_code)
            else 'all'
        end as group_id
    from turnover
),

periods as (
    select
        targets.period_type,
        targets.period_start,
        targets.scope_type,
        targets.scope_id,
        targets.measure,
        targets.target_value,
        groups.group_id,
        case
            when targets.scope_type = 'company' and targets.scope_id = 'all' then groups.group_id
            else targets.scope_id
        end as measured_scope_id,
        run_parameters.as_of_date,
        {{ add_days(
            add_months(
                'targets.period_start',
                "case targets.period_type when 'month' then 1 when 'quarter' then 3"
                ~ " when 'half_year' then 6 else 12 end"
            ), -1
        ) }} as period_end
    from targets
    cross join groups
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

-- What is planned for `all` and for the only company is one question.
asked as (
    select
        period_type,
        period_start,
        period_end,
        scope_type,
        measured_scope_id as scope_id,
        group_id,
        measure
    from planned
    group by period_type, period_start, period_end, scope_type, measured_scope_id, group_id, measure
),

of_scorecard as (
    select
        period_type,
        period_start,
        scope_type,
        scope_id,
        measure,
        measure_value as actual_value,
        numerator as actual_numerator,
        denominator as actual_denominator,
        case when rate_status = 'missing' then 'not_applicable' else status end as actual_status
    from scorecards
),

-- What a team collected is what was given to its members.
amounts_by_scope as (
    {%- for measure, column in amounts.items() %}
        {%- for scope_id in ['scope_id', "'all'"] %}
            select
                period_type,
                period_start,
                scope_type,
                {{ scope_id }} as scope_id,
                '{{ measure }}' as measure,
                sum({{ column.split('.')[1] }}) as amount,
                sum(case when rate_status = 'missing' then 1 else 0 end) as unrated_count
            from {{ column.split('.')[0] }}
            {%- if measure == 'collected_amount' or not loop.first %}
                where scope_type = 'company'
            {%- endif %}
            group by period_type, period_start, scope_type{{ ', scope_id' if loop.first }}
            {%- if not loop.last %}
                union all
            {%- endif %}
        {%- endfor %}
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

of_books as (
    select
        period_type,
        period_start,
        scope_type,
        scope_id,
        measure,
        cast(case when unrated_count = 0 then amount end as decimal(28, 8)) as actual_value,
        cast(null as decimal(28, 8)) as actual_numerator,
        cast(null as decimal(28, 8)) as actual_denominator,
        case when unrated_count = 0 then 'ok' else 'not_applicable' end as actual_status
    from amounts_by_scope
),

performance as (
    {%- for scope_type, scope_id, members in [
        ('collector', 'collector_id', 'performance_by_collector'),
        ('team', 'team_id', 'performance_by_team'),
        ('company', 'groups.group_id', 'performance_by_team'),
    ] %}
        select
            '{{ scope_type }}' as scope_type,
            {{ scope_id }} as scope_id,
            month_start,
            {%- for measure in work_sums %}
                {{ measure }},
            {%- endfor %}
        {%- for measure in work_rates %}
            {{ measure }}_numerator,
            {{ measure }}_denominator{{ ',' if not loop.last }}
        {%- endfor %}
        from {{ members }}
        cross join groups
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

work_summed as (
    select
        {{ columns_of(key, 'asked') }},
        cast(
            sum(
                case asked.measure
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
                case asked.measure
                    {%- for measure in work_rates %}
                        when '{{ measure }}' then performance.{{ measure }}_denominator
                    {%- endfor %}
                end
            ) as decimal(28, 8)
        ) as denominator
    from asked
    inner join performance
        on
            asked.scope_type = performance.scope_type
            and asked.scope_id = performance.scope_id
            and performance.month_start between asked.period_start and asked.period_end
    where
        asked.measure in ({{ quoted(work_sums + work_rates) }})
        and (
            asked.scope_type = 'collector'
            or asked.measure not in ({{ quoted(scorecard_rates) }})
        )
        and (asked.scope_type <> 'company' or asked.measure <> 'collected_amount')
    group by {{ columns_of(key, 'asked') }}
),

-- As long as a month's contacts may still succeed, so may those of the period.
success_summed as (
    select
        {{ columns_of(key, 'asked') }},
        cast(
            case
                when count(success.success_rate_numerator) = count(*)
                    then
                        sum(
                            case asked.measure
                                {%- for measure in success_rates %}
                                    when '{{ measure }}' then success.{{ measure }}_numerator
                                {%- endfor %}
                            end
                        )
            end as decimal(28, 8)
        ) as numerator,
        cast(
            sum(
                case asked.measure
                    {%- for measure in success_rates %}
                        when '{{ measure }}' then success.{{ measure }}_denominator
                    {%- endfor %}
                end
            ) as decimal(28, 8)
        ) as denominator
    from asked
    inner join success
        on
            success.month_start between asked.period_start and asked.period_end
            and (
                (
                    asked.scope_type = success.scope_type
                    and asked.scope_id = success.scope_id
                )
                or (
                    asked.scope_type = 'company'
                    and asked.scope_id = asked.group_id
                    and success.scope_type = 'all'
                )
            )
    where asked.measure in ({{ quoted(success_rates) }})
    group by {{ columns_of(key, 'asked') }}
),

-- Customers of several months are no sum of those of each.
complaints_of_collectors as (
    select
        {{ columns_of(key, 'asked') }},
        sum(case when contacts.outcome = 'complaint' then 1 else 0 end) as complaint_count,
        count(distinct contacts.customer_id) as customer_count
    from asked
    inner join contacts
        on
            asked.scope_id = contacts.collector_id
            and contacts.month_start between asked.period_start and asked.period_end
    where
        asked.scope_type = 'collector'
        and asked.measure = 'complaint_rate'
    group by {{ columns_of(key, 'asked') }}
),

-- A few answers are no sample.
counted as (
    select
        work_summed.*,
        case
            when
                work_summed.measure not in ('satisfaction_score', 'satisfied_rate')
                or work_summed.denominator >= measure_rules.minimum_survey_count
                then work_summed.numerator
        end as exact_numerator,
        work_summed.denominator as exact_denominator,
        case
            when work_summed.measure in ('satisfaction_score', 'satisfied_rate')
                then 'insufficient_sample'
            else 'not_applicable'
        end as missing_status
    from work_summed
    cross join measure_rules
    union all
    select
        *,
        numerator as exact_numerator,
        denominator as exact_denominator,
        'insufficient_history' as missing_status
    from success_summed
    union all
    select
        {{ columns_of(key, 'complaints_of_collectors') }},
        cast(complaints_of_collectors.complaint_count as decimal(28, 8)) as numerator,
        {{ exact_average(
            'complaints_of_collectors.customer_count', 'measure_rules.complaint_rate_customers'
        ) }} as denominator,
        cast(
            complaints_of_collectors.complaint_count * measure_rules.complaint_rate_customers
            as decimal(28, 8)
        ) as exact_numerator,
        cast(complaints_of_collectors.customer_count as decimal(28, 8)) as exact_denominator,
        'not_applicable' as missing_status
    from complaints_of_collectors
    cross join measure_rules
),

of_work as (
    select
        {{ columns_of(key) }},
        {%- set is_sum %}measure in ({{ quoted(work_sums) }}){% endset %}
        case
            when {{ is_sum }} then numerator
            else {{ ratio_value('exact_numerator', 'exact_denominator') }}
        end as actual_value,
        case when not {{ is_sum }} then numerator end as actual_numerator,
        case when not {{ is_sum }} then denominator end as actual_denominator,
        case
            when {{ is_sum }} then 'ok'
            else {{ ratio_status('exact_numerator', 'exact_denominator', 'missing_status') }}
        end as actual_status
    from counted
),

actuals as (
    select * from of_scorecard
    union all
    select * from of_books
    union all
    select * from of_work
),

-- Of what is added up for a scope, nothing found is nothing reached.
compared as (
    select
        planned.*,
        target_measures.measure is not null as is_known_measure,
        coalesce(target_measures.is_additive, false) as is_additive,
        target_measures.target_comparison,
        actuals.actual_value as found_value,
        actuals.actual_numerator,
        actuals.actual_denominator,
        case
            when planned.elapsed_day_count = 0 then 'not_applicable'
            when actuals.actual_status is not null then actuals.actual_status
            when
                planned.measure in ({{ quoted(work_sums) }})
                and (
                    planned.scope_type <> 'company'
                    or planned.measured_scope_id = planned.group_id
                )
                then 'ok'
            when
                planned.scope_type = 'team'
                and planned.measure in ({{ quoted(amounts) }})
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
            and planned.measured_scope_id = actuals.scope_id
            and planned.measure = actuals.measure
),

judged as (
    select
        *,
        case when actual_status = 'ok' then coalesce(found_value, 0) end as actual_value
    from compared
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
    from judged
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
