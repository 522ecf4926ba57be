-- Grain: one row per scope (collector or team) and month.
-- A team's rates come from the sums of its members of the month, its distinct customers from the
-- contacts themselves. What contacts cost is known where their length and the collector's cost
-- are. A rate planned for a quarter is the plan of each of its months; cash that is planned for
-- collectors only is the team's plan as their sum.
{%- set sums = [
    'contact_count', 'attempt_count', 'connect_count', 'right_party_contact_count',
    'complaint_count', 'upheld_complaint_count', 'promise_made_count', 'promise_made_amount',
    'promise_kept_count', 'promise_kept_amount', 'promise_partly_kept_count',
    'promise_partly_kept_amount', 'promise_broken_count', 'promise_broken_amount',
    'collected_amount', 'collected_portfolio_owner_amount', 'collected_last_touch_amount',
    'collected_first_touch_amount', 'collected_linear_amount', 'collected_promise_first_amount',
    'timed_contact_count', 'contact_second_count', 'survey_count', 'survey_score_total',
    'satisfied_survey_count', 'assessed_count', 'passed_count', 'first_attempt_assessed_count',
    'first_attempt_passed_count'
] + channel_counts() %}
{%- set costs = ['contact_cost_amount', 'costed_collected_amount'] %}
with collector_months as (
    select * from {{ ref('int_collector_months_summed') }}
),

customers_of_teams as (
    select * from {{ ref('int_team_months_contacted') }}
),

collectors as (
    select * from {{ ref('dim_collectors') }}
),

teams as (
    select * from {{ ref('int_collector_teams_spanned') }}
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

collector_months_in_teams as (
    select
        collector_months.*,
        case
            when collector_months.collector_id = 'unattributed' then 'unattributed'
            else coalesce(teams.team_id, 'unassigned')
        end as team_id,
        case
            when collector_months.timed_contact_count > 0
                then
                    {{ exact_average(
                        'collectors.hourly_cost_amount * collector_months.contact_second_count',
                        '3600'
                    ) }}
        end as contact_cost_amount,
        case
            when
                collector_months.timed_contact_count > 0
                and collectors.hourly_cost_amount is not null
                then collector_months.collected_amount
        end as costed_collected_amount
    from collector_months
    left join collectors
        on collector_months.collector_id = collectors.collector_id
    left join teams
        on
            collector_months.collector_id = teams.collector_id
            and collector_months.month_start >= teams.member_from
            and collector_months.month_start < teams.member_until
),

-- A plan that nobody worked for is a plan missed, and must not vanish with its team.
parts_of_team_months as (
    select
        team_id,
        month_start,
    {%- for column in sums + costs %}
        {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
    from collector_months_in_teams
    union all
    select
        targets.scope_id as team_id,
        targets.period_start as month_start,
        {%- for column in sums %}
            0 as {{ column }},
        {%- endfor %}
    {%- for column in costs %}
        cast(null as decimal(18, 2)) as {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
    from targets
    cross join run_parameters
    where
        targets.scope_type = 'team'
        and targets.period_type = 'month'
        and targets.period_start <= run_parameters.as_of_date
),

team_months as (
    select
        team_id,
        month_start,
    {%- for column in sums + costs %}
        sum({{ column }}) as {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
    from parts_of_team_months
    group by team_id, month_start
),

scoped as (
    select
        'collector' as scope_type,
        collector_id as scope_id,
        team_id,
        month_start,
        customer_contacted_count,
    {%- for column in sums + costs %}
        {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
    from collector_months_in_teams
    union all
    select
        'team' as scope_type,
        team_months.team_id as scope_id,
        team_months.team_id,
        team_months.month_start,
        coalesce(customers_of_teams.customer_contacted_count, 0) as customer_contacted_count,
    {%- for column in sums + costs %}
        team_months.{{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
    from team_months
    left join customers_of_teams
        on
            team_months.team_id = customers_of_teams.team_id
            and team_months.month_start = customers_of_teams.month_start
),

targets_of_members as (
    select
        teams.team_id,
        targets.period_start,
        sum(targets.target_value) as target_value
    from targets
    inner join teams
        on
            targets.scope_id = teams.collector_id
            and targets.period_start >= teams.member_from
            and targets.period_start < teams.member_until
    where
        targets.scope_type = 'collector'
        and targets.period_type = 'month'
        and targets.measure = 'collected_amount'
    group by teams.team_id, targets.period_start
),

planned as (
    select
        scoped.*,
        run_parameters.as_of_date,
        {{ month_end('scoped.month_start') }} as month_end,
        coalesce(
            cash_targets.target_value,
            case when scoped.scope_type = 'team' then targets_of_members.target_value end
        ) as collected_target_amount,
        coalesce(month_targets.target_value, quarter_targets.target_value)
            as promise_kept_target_rate,
        measure_rules.minimum_survey_count,
        measure_rules.complaint_rate_customers
    from scoped
    cross join run_parameters
    cross join measure_rules
    left join targets as cash_targets
        on
            scoped.scope_type = cash_targets.scope_type
            and scoped.scope_id = cash_targets.scope_id
            and scoped.month_start = cash_targets.period_start
            and cash_targets.period_type = 'month'
            and cash_targets.measure = 'collected_amount'
    left join targets_of_members
        on
            scoped.team_id = targets_of_members.team_id
            and scoped.month_start = targets_of_members.period_start
    left join targets as month_targets
        on
            scoped.scope_type = month_targets.scope_type
            and scoped.scope_id = month_targets.scope_id
            and scoped.month_start = month_targets.period_start
            and month_targets.period_type = 'month'
            and month_targets.measure = 'promise_kept_rate'
    left join targets as quarter_targets
        on
            scoped.scope_type = quarter_targets.scope_type
            and scoped.scope_id = quarter_targets.scope_id
            and cast(date_trunc('quarter', scoped.month_start) as date)
            = quarter_targets.period_start
            and quarter_targets.period_type = 'quarter'
            and quarter_targets.measure = 'promise_kept_rate'
),

timed as (
    select
        *,
        month_end <= as_of_date as is_complete,
        {{ days_between('month_start', 'month_end') }} + 1 as day_count,
        {{ days_between('month_start', 'least(month_end, as_of_date)') }} + 1
            as elapsed_day_count
    from planned
),

parts as (
    select
        *,
        right_party_contact_count as right_party_contact_rate_of_attempts_numerator,
        attempt_count as right_party_contact_rate_of_attempts_denominator,
        right_party_contact_count as right_party_contact_rate_of_connects_numerator,
        connect_count as right_party_contact_rate_of_connects_denominator,
        promise_kept_count as promise_kept_rate_numerator,
        promise_kept_count + promise_partly_kept_count + promise_broken_count
            as promise_kept_rate_denominator,
        promise_kept_amount as promise_kept_rate_by_amount_numerator,
        promise_kept_amount + promise_partly_kept_amount + promise_broken_amount
            as promise_kept_rate_by_amount_denominator,
        collected_amount as collected_target_attainment_rate_numerator,
        collected_target_amount as collected_target_attainment_rate_denominator,
        complaint_count as complaint_rate_numerator,
        {{ exact_average('customer_contacted_count', 'complaint_rate_customers') }}
            as complaint_rate_denominator,
        complaint_count * complaint_rate_customers as scaled_complaint_count,
        survey_score_total as satisfaction_score_numerator,
        survey_count as satisfaction_score_denominator,
        case when survey_count >= minimum_survey_count then survey_score_total end
            as sampled_score_total,
        satisfied_survey_count as satisfied_rate_numerator,
        survey_count as satisfied_rate_denominator,
        case when survey_count >= minimum_survey_count then satisfied_survey_count end
            as sampled_satisfied_count,
        passed_count as training_pass_rate_numerator,
        assessed_count as training_pass_rate_denominator,
        first_attempt_passed_count as training_pass_rate_first_attempt_numerator,
        first_attempt_assessed_count as training_pass_rate_first_attempt_denominator,
        case when timed_contact_count > 0 then timed_contact_count end
            as contacts_per_hour_numerator,
        {{ exact_average('contact_second_count', '3600') }} as contacts_per_hour_denominator,
        case when timed_contact_count > 0 then timed_contact_count * 3600 end
            as contacts_in_3600_hours,
        collected_amount as collected_per_contact_numerator,
        contact_count as collected_per_contact_denominator,
        cast(contact_cost_amount as decimal(18, 2)) as contact_cost_rate_numerator,
        costed_collected_amount as contact_cost_rate_denominator
    from timed
),

final as (
    select
        scope_type,
        scope_id,
        team_id,
        as_of_date,
        month_start,
        month_end,
        is_complete,
        {%- for column in sums + ['customer_contacted_count'] if column.endswith('_count') %}
            cast({{ column }} as integer) as {{ column }},
        {%- endfor %}
        {%- for column in sums + costs if column.endswith('_amount') %}
            cast({{ column }} as decimal(18, 2)) as {{ column }},
        {%- endfor %}
        cast(collected_target_amount as decimal(18, 2)) as collected_target_amount,
        cast({{ exact_average('collected_amount', 'elapsed_day_count') }} as decimal(18, 2))
            as collected_per_day_amount,
        cast(
            {{ exact_average('collected_amount * day_count', 'elapsed_day_count') }}
            as decimal(18, 2)
        ) as collected_projected_amount,
        cast(promise_kept_target_rate as decimal(18, 8)) as promise_kept_target_rate,
        {{ measure_columns('right_party_contact_rate_of_attempts') }},
        {{ measure_columns('right_party_contact_rate_of_connects') }},
        {{ measure_columns('promise_kept_rate') }},
        {{ measure_columns('promise_kept_rate_by_amount') }},
        {{ measure_columns('collected_target_attainment_rate') }},
        {{ measure_columns(
            'complaint_rate',
            exact_numerator='scaled_complaint_count',
            exact_denominator='customer_contacted_count',
            part_type='decimal(28, 8)',
        ) }},
        {{ measure_columns(
            'satisfaction_score',
            missing="'insufficient_sample'",
            exact_numerator='sampled_score_total',
        ) }},
        {{ measure_columns(
            'satisfied_rate',
            missing="'insufficient_sample'",
            exact_numerator='sampled_satisfied_count',
        ) }},
        {{ measure_columns('training_pass_rate') }},
        {{ measure_columns('training_pass_rate_first_attempt') }},
        {{ measure_columns(
            'contacts_per_hour',
            exact_numerator='contacts_in_3600_hours',
            exact_denominator='contact_second_count',
            part_type='decimal(28, 8)',
        ) }},
        {{ measure_columns('collected_per_contact') }},
        {{ measure_columns('contact_cost_rate') }}
    from parts
)

select * from final
