-- Grain: one row per company, scope (company, team), period and measure of the scorecard, and of
-- those measures that a target names. Where there is more than one company, company `all` is the
-- group: what the books give is summed over the companies, customers are counted once. Teams work
-- for all companies: their rows stand under the group, or under the only company. Work is that of
-- the members of each month, the books those of the customers whom a team owns on the as-of date.
-- A measure whose extract was never delivered is not applicable; that is not a value of zero.
{%- set measures_of_turnover = [
    'average_collection_days', 'unpaid_rate', 'days_sales_outstanding',
    'collection_effectiveness_index', 'receivables_turnover', 'receivables_turnover_13_point',
    'receivables_turnover_5_point', 'turnover_days', 'days_sales_outstanding_rolling_3m',
    'best_possible_days_sales_outstanding', 'average_days_delinquent',
    'average_collection_days_from_due_date', 'collection_effectiveness_index_period_total',
    'days_sales_outstanding_countback', 'days_sales_outstanding_countback_skip',
    'days_sales_outstanding_countback_stop', 'true_days_sales_outstanding'
] %}
{%- set measures_of_bad_debt = [
    'recovery_rate', 'bad_debt_rate', 'recovery_rate_within_0_days',
    'recovery_rate_within_30_days', 'recovery_rate_within_60_days',
    'recovery_rate_within_90_days', 'bad_debt_rate_of_average_receivables',
    'bad_debt_rate_of_credit_sales'
] %}
{#- What makes parts exact that are averages, rounded to eight decimals. -#}
{%- set exact_multiples = {
    'collection_effectiveness_index': 'month_count',
    'receivables_turnover_13_point': 'month_count + 1',
    'receivables_turnover_5_point': 'cast(floor((month_count + 2) / 3) as integer) + 1',
} %}
{%- set extract_of = {
    'recovery_rate': 'payments',
    'recovery_rate_within_0_days': 'payments',
    'recovery_rate_within_30_days': 'payments',
    'recovery_rate_within_60_days': 'payments',
    'recovery_rate_within_90_days': 'payments',
    'average_collection_days': 'payments',
    'average_collection_days_from_due_date': 'payments',
    'unpaid_rate': 'payments',
    'collection_effectiveness_index': 'payments',
    'collection_effectiveness_index_period_total': 'payments',
    'promise_kept_rate': 'contact_log',
    'complaint_rate': 'contact_log',
    'satisfaction_score': 'surveys',
    'training_pass_rate': 'trainings',
} %}
{%- set period_key = ['company_code', 'scope_type', 'scope_id', 'period_type', 'period_start'] %}
with turnover as (
    select * from {{ ref('turnover_by_period') }}
    where scope_type in ('company', 'team')
),

bad_debt as (
    select * from {{ ref('bad_debt_by_period') }}
    where scope_type in ('company', 'team')
),

contacts as {{ read_each_time() }} (
    select * from {{ ref('int_contacts_dated') }}
),

promises as (
    select * from {{ ref('promises') }}
),

surveys as (
    select * from {{ ref('int_surveys_dated') }}
),

trainings as (
    select * from {{ ref('int_trainings_assessed') }}
),

collector_months as (
    select * from {{ ref('int_collector_months_summed') }}
),

members as (
    select * from {{ ref('int_collector_teams_spanned') }}
    where team_id <> 'unassigned'
),

payments as {{ read_each_time() }} (
    select * from {{ ref('int_payments_versioned') }}
    where
        is_current
        and not is_withdrawn
),

customers_assigned as (
    select * from {{ ref('int_customers_assigned') }}
),

measure_rules as (
    select * from {{ ref('measure_rules') }}
),

scorecard_targets as (
    select * from {{ ref('scorecard_targets') }}
),

targets as (
    select * from {{ ref('int_targets_deduped') }}
),

extracts as (
    select
        'payments' as extract_name,
        count(*) > 0 as is_present
    from payments
    union all
    select
        'contact_log' as extract_name,
        count(*) > 0 as is_present
    from contacts
    union all
    select
        'surveys' as extract_name,
        count(*) > 0 as is_present
    from surveys
    union all
    select
        'trainings' as extract_name,
        count(*) > 0 as is_present
    from trainings
),

extracts_needed as (
    {%- for measure, extract_name in extract_of.items() %}
        select
            '{{ measure }}' as measure,
            '{{ extract_name }}' as extract_name
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

measures_shown as (
    select measure from scorecard_targets
    union
    select measure from targets
    where scope_type in ('company', 'team')
),

company_periods as (
    select
        company_code,
        as_of_date,
        period_type,
        period_start,
        period_end,
        is_complete
    from turnover
    where scope_type = 'company'
),

company_counts as (
    select count(distinct company_code) as company_count
    from company_periods
),

periods as (
    select
        company_code,
        as_of_date,
        period_type,
        period_start,
        period_end,
        is_complete
    from company_periods
    union all
    select
        'all' as company_code,
        company_periods.as_of_date,
        company_periods.period_type,
        company_periods.period_start,
        company_periods.period_end,
        company_periods.is_complete
    from company_periods
    cross join company_counts
    where company_counts.company_count > 1
    group by
        company_periods.as_of_date,
        company_periods.period_type,
        company_periods.period_start,
        company_periods.period_end,
        company_periods.is_complete
),

teams as (
    select team_id from members
    union
    select scope_id as team_id from targets
    where scope_type = 'team'
),

-- The periods of a team are those of the group, or of the only company.
scoped_periods as (
    select
        periods.*,
        'company' as scope_type,
        periods.company_code as scope_id
    from periods
    union all
    select
        periods.*,
        'team' as scope_type,
        teams.team_id as scope_id
    from periods
    cross join company_counts
    cross join teams
    where
        company_counts.company_count = 1
        or periods.company_code = 'all'
),

customers_in_scope as (
    select
        company_code,
        customer_id
    from customers_assigned
    union all
    select
        'all' as company_code,
        customer_id
    from customers_assigned
    group by customer_id
),

of_books as (
    {%- for mart, measures in [
        ('turnover', measures_of_turnover), ('bad_debt', measures_of_bad_debt)
    ] %}
        {%- set last_mart = loop.last %}
        {%- for measure in measures %}
            select
                company_code,
                scope_type,
                scope_id,
                period_type,
                period_start,
                '{{ measure }}' as measure,
                {{ measure }} as measure_value,
                cast({{ measure }}_numerator as decimal(28, 8)) as numerator,
                cast({{ measure }}_denominator as decimal(28, 8)) as denominator,
                {%- for part in ['numerator', 'denominator'] %}
                    cast(
                        {%- if measure == 'turnover_days' and part == 'numerator' %}
                            receivables_turnover_denominator
                            * ({{ days_between('period_start', 'measured_to_date') }} + 1)
                        {%- elif measure in exact_multiples %}
                            round({{ measure }}_{{ part }} * ({{ exact_multiples[measure] }}), 2)
                        {%- else %}
                            {{ measure }}_{{ part }}
                        {%- endif %}
                        as decimal(38, 8)
                    ) as exact_{{ part }},
                {%- endfor %}
                {{ measure }}_status as status,
                rate_status
            from {{ mart }}
            {%- if not (loop.last and last_mart) %}
                union all
            {%- endif %}
        {%- endfor %}
    {%- endfor %}
),

-- Sums of ratios, and ratios of the last period counted, cannot be added over companies. Turnover
-- days are had where the turnover of the group is, whatever that of its companies.
of_books_of_group as (
    select
        'all' as company_code,
        scope_type,
        case when scope_type = 'company' then 'all' else scope_id end as scope_id,
        period_type,
        period_start,
        measure,
        cast(
            sum(case when measure = 'turnover_days' then exact_numerator else numerator end)
            as decimal(28, 8)
        ) as numerator,
        cast(sum(denominator) as decimal(28, 8)) as denominator,
        cast(sum(exact_numerator) as decimal(38, 8)) as exact_numerator,
        cast(sum(exact_denominator) as decimal(38, 8)) as exact_denominator,
        case
            when sum(case when rate_status = 'missing' then 1 else 0 end) > 0 then 'missing'
            else 'ok'
        end as rate_status
    from of_books
    where
        measure not like 'days_sales_outstanding_countback%'
        and measure <> 'true_days_sales_outstanding'
    group by
        scope_type,
        case when scope_type = 'company' then 'all' else scope_id end,
        period_type,
        period_start,
        measure
),

-- The books of the group begin with those of its first company.
group_histories as (
    select
        period_type,
        period_start,
        max(
            case
                when days_sales_outstanding_rolling_3m_status = 'insufficient_history' then 0
                else 1
            end
        ) = 1 as is_three_months_long
    from turnover
    where scope_type = 'company'
    group by period_type, period_start
),

of_books_of_group_placed as (
    select
        of_books_of_group.*,
        of_books_of_group.measure <> 'days_sales_outstanding_rolling_3m'
        or group_histories.is_three_months_long as is_history_long_enough
    from of_books_of_group
    left join group_histories
        on
            of_books_of_group.period_type = group_histories.period_type
            and of_books_of_group.period_start = group_histories.period_start
),

of_books_of_group_checked as (
    select
        *,
        case
            when
                is_history_long_enough
                and (measure <> 'turnover_days' or exact_numerator > 0)
                then exact_numerator
        end as held_numerator,
        case
            when not is_history_long_enough then 'insufficient_history'
            when measure <> 'turnover_days' or exact_numerator is null then 'not_applicable'
            when exact_numerator < 0 then 'negative_denominator'
            else 'zero_denominator'
        end as missing_status
    from of_books_of_group_placed
),

-- A promise kept early for a month that has not begun counts when it has, as in the team's months.
promises_by_month as (
    select
        customer_id,
        company_code as promised_company_code,
        {{ month_start('promised_date') }} as month_start,
        sum(case when promise_status = 'kept' then 1 else 0 end) as kept_count,
        count(*) as judged_count
    from promises
    where
        promise_status in ('kept', 'partly_kept', 'broken')
        and {{ month_start('promised_date') }} <= as_of_date
    group by customer_id, company_code, {{ month_start('promised_date') }}
),

promises_of_companies as (
    select
        customers_in_scope.company_code,
        'company' as scope_type,
        customers_in_scope.company_code as scope_id,
        promises_by_month.month_start,
        sum(promises_by_month.kept_count) as numerator,
        sum(promises_by_month.judged_count) as denominator
    from promises_by_month
    inner join customers_in_scope
        on
            promises_by_month.customer_id = customers_in_scope.customer_id
            and (
                promises_by_month.promised_company_code = customers_in_scope.company_code
                or promises_by_month.promised_company_code is null
                or customers_in_scope.company_code = 'all'
            )
    group by customers_in_scope.company_code, promises_by_month.month_start
),

-- Customers are made few before scopes multiply them: by month, then by longer periods.
contacts_in_month as (
    select
        members.team_id,
        contacts.customer_id,
        contacts.month_start as period_start,
        sum(case when contacts.outcome = 'complaint' then 1 else 0 end) as complaint_count
    from contacts
    left join members
        on
            contacts.collector_id = members.collector_id
            and contacts.month_start >= members.member_from
            and contacts.month_start < members.member_until
    group by members.team_id, contacts.customer_id, contacts.month_start
),

contacts_in_quarter as (
    select
        team_id,
        customer_id,
        cast(date_trunc('quarter', period_start) as date) as period_start,
        sum(complaint_count) as complaint_count
    from contacts_in_month
    group by team_id, customer_id, cast(date_trunc('quarter', period_start) as date)
),

contacts_in_half_year as (
    select
        team_id,
        customer_id,
        {{ half_year_start('period_start') }} as period_start,
        sum(complaint_count) as complaint_count
    from contacts_in_quarter
    group by team_id, customer_id, {{ half_year_start('period_start') }}
),

contacts_in_year as (
    select
        team_id,
        customer_id,
        cast(date_trunc('year', period_start) as date) as period_start,
        sum(complaint_count) as complaint_count
    from contacts_in_half_year
    group by team_id, customer_id, cast(date_trunc('year', period_start) as date)
),

contacts_by_period as (
    {%- for period_type in ['month', 'quarter', 'half_year', 'year'] %}
        select
            '{{ period_type }}' as period_type,
            period_start,
            team_id,
            customer_id,
            complaint_count
        from contacts_in_{{ period_type }}
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

contacts_by_customer as (
    select
        period_type,
        period_start,
        customer_id,
        sum(complaint_count) as complaint_count
    from contacts_by_period
    group by period_type, period_start, customer_id
),

contact_counts as (
    select
        customers_in_scope.company_code,
        'company' as scope_type,
        customers_in_scope.company_code as scope_id,
        contacts_by_customer.period_type,
        contacts_by_customer.period_start,
        sum(contacts_by_customer.complaint_count) as complaint_count,
        count(*) as customer_count
    from contacts_by_customer
    inner join customers_in_scope
        on contacts_by_customer.customer_id = customers_in_scope.customer_id
    group by
        customers_in_scope.company_code,
        contacts_by_customer.period_type,
        contacts_by_customer.period_start
    union all
    select
        null as company_code,
        'team' as scope_type,
        team_id as scope_id,
        period_type,
        period_start,
        sum(complaint_count) as complaint_count,
        count(*) as customer_count
    from contacts_by_period
    where team_id is not null
    group by team_id, period_type, period_start
),

surveys_of_companies as (
    select
        customers_in_scope.company_code,
        surveys.month_start,
        sum(surveys.score) as numerator,
        count(*) as denominator
    from surveys
    inner join customers_in_scope
        on surveys.customer_id = customers_in_scope.customer_id
    group by customers_in_scope.company_code, surveys.month_start
),

trainings_by_month as (
    select
        month_start,
        sum(case when is_passed then 1 else 0 end) as numerator,
        count(*) as denominator
    from trainings
    where is_assessed_in_time
    group by month_start
),

team_months as (
    select
        members.team_id,
        collector_months.month_start,
        sum(collector_months.promise_kept_count) as promise_kept_count,
        sum(
            collector_months.promise_kept_count
            + collector_months.promise_partly_kept_count
            + collector_months.promise_broken_count
        ) as promise_judged_count,
        sum(collector_months.survey_score_total) as survey_score_total,
        sum(collector_months.survey_count) as survey_count,
        sum(collector_months.passed_count) as passed_count,
        sum(collector_months.assessed_count) as assessed_count
    from collector_months
    inner join members
        on
            collector_months.collector_id = members.collector_id
            and collector_months.month_start >= members.member_from
            and collector_months.month_start < members.member_until
    group by members.team_id, collector_months.month_start
),

-- What is added up by month. A team works for every company.
worked as (
    select
        company_code,
        scope_type,
        scope_id,
        'promise_kept_rate' as measure,
        month_start,
        numerator,
        denominator
    from promises_of_companies
    union all
    select
        company_code,
        'company' as scope_type,
        company_code as scope_id,
        'satisfaction_score' as measure,
        month_start,
        numerator,
        denominator
    from surveys_of_companies
    union all
    select
        null as company_code,
        'company' as scope_type,
        null as scope_id,
        'training_pass_rate' as measure,
        month_start,
        numerator,
        denominator
    from trainings_by_month
    {%- for measure, numerator, denominator in [
        ('promise_kept_rate', 'promise_kept_count', 'promise_judged_count'),
        ('satisfaction_score', 'survey_score_total', 'survey_count'),
        ('training_pass_rate', 'passed_count', 'assessed_count'),
    ] %}
        union all
        select
            null as company_code,
            'team' as scope_type,
            team_id as scope_id,
            '{{ measure }}' as measure,
            month_start,
            {{ numerator }} as numerator,
            {{ denominator }} as denominator
        from team_months
    {%- endfor %}
),

worked_in_periods as (
    select
        {{ columns_of(period_key, 'scoped_periods') }},
        worked.measure,
        sum(worked.numerator) as numerator,
        sum(worked.denominator) as denominator
    from worked
    inner join scoped_periods
        on
            worked.scope_type = scoped_periods.scope_type
            and coalesce(worked.scope_id, scoped_periods.scope_id) = scoped_periods.scope_id
            and coalesce(worked.company_code, scoped_periods.company_code)
            = scoped_periods.company_code
            and worked.month_start between scoped_periods.period_start and scoped_periods.period_end
    group by {{ columns_of(period_key, 'scoped_periods') }}, worked.measure
),

measures_of_work as (
    {%- for measure in ['promise_kept_rate', 'satisfaction_score', 'training_pass_rate'] %}
        select '{{ measure }}' as measure
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

of_work as (
    select
        {{ columns_of(period_key, 'scoped_periods') }},
        measures_of_work.measure,
        cast(coalesce(worked_in_periods.numerator, 0) as decimal(28, 8)) as numerator,
        cast(coalesce(worked_in_periods.denominator, 0) as decimal(28, 8)) as denominator,
        case
            when
                measures_of_work.measure <> 'satisfaction_score'
                or worked_in_periods.denominator >= measure_rules.minimum_survey_count
                then cast(coalesce(worked_in_periods.numerator, 0) as decimal(28, 2))
        end as exact_numerator,
        cast(coalesce(worked_in_periods.denominator, 0) as decimal(28, 2)) as exact_denominator
    from scoped_periods
    cross join measures_of_work
    cross join measure_rules
    left join worked_in_periods
        on
            {{ equal_columns(period_key, 'scoped_periods', 'worked_in_periods') }}
            and measures_of_work.measure = worked_in_periods.measure
    union all
    select
        {{ columns_of(period_key, 'scoped_periods') }},
        'complaint_rate' as measure,
        cast(coalesce(contact_counts.complaint_count, 0) as decimal(28, 8)) as numerator,
        {{ exact_average(
            'coalesce(contact_counts.customer_count, 0)', 'measure_rules.complaint_rate_customers'
        ) }} as denominator,
        cast(
            coalesce(contact_counts.complaint_count, 0) * measure_rules.complaint_rate_customers
            as decimal(28, 2)
        ) as exact_numerator,
        cast(coalesce(contact_counts.customer_count, 0) as decimal(28, 2)) as exact_denominator
    from scoped_periods
    cross join measure_rules
    left join contact_counts
        on
            scoped_periods.scope_type = contact_counts.scope_type
            and scoped_periods.scope_id = contact_counts.scope_id
            and scoped_periods.period_type = contact_counts.period_type
            and scoped_periods.period_start = contact_counts.period_start
),

all_measures as (
    select
        {{ columns_of(period_key) }},
        measure,
        measure_value,
        numerator,
        denominator,
        status,
        rate_status
    from of_books
    union all
    select
        {{ columns_of(period_key) }},
        measure,
        {{ ratio_value('held_numerator', 'exact_denominator') }} as measure_value,
        numerator,
        denominator,
        {{ ratio_status('held_numerator', 'exact_denominator', 'missing_status') }} as status,
        rate_status
    from of_books_of_group_checked
    union all
    select
        {{ columns_of(period_key) }},
        measure,
        {{ ratio_value('exact_numerator', 'exact_denominator') }} as measure_value,
        numerator,
        denominator,
        {{ ratio_status(
            'exact_numerator', 'exact_denominator', missing="'insufficient_sample'"
        ) }} as status,
        'ok' as rate_status
    from of_work
),

final as (
    select
        {{ columns_of(period_key, 'scoped_periods') }},
        scoped_periods.as_of_date,
        scoped_periods.period_end,
        scoped_periods.is_complete,
        all_measures.measure,
        case when coalesce(extracts.is_present, true) then all_measures.measure_value end
            as measure_value,
        case when coalesce(extracts.is_present, true) then all_measures.numerator end
            as numerator,
        case when coalesce(extracts.is_present, true) then all_measures.denominator end
            as denominator,
        case
            when coalesce(extracts.is_present, true) then all_measures.status
            else 'not_applicable'
        end as status,
        all_measures.rate_status
    from all_measures
    inner join scoped_periods
        on {{ equal_columns(period_key, 'all_measures', 'scoped_periods') }}
    inner join measures_shown
        on all_measures.measure = measures_shown.measure
    left join extracts_needed
        on all_measures.measure = extracts_needed.measure
    left join extracts
        on extracts_needed.extract_name = extracts.extract_name
)

select * from final
