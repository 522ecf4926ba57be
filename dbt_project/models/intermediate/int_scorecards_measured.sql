-- Grain: one row per company, quarter and measure of the scorecard. Where there is more than one
-- company, company `all` is the group: what the books give is summed over the companies, customers
-- are counted once.
-- A measure whose extract was never delivered is not applicable; that is not a value of zero.
{%- set measures_of_books = {
    'recovery_rate': 'bad_debt',
    'bad_debt_rate': 'bad_debt',
    'average_collection_days': 'turnover',
    'unpaid_rate': 'turnover',
    'days_sales_outstanding': 'turnover',
    'collection_effectiveness_index': 'turnover',
} %}
with turnover as (
    select * from {{ ref('turnover_by_period') }}
    where
        period_type = 'quarter'
        and scope_type = 'company'
),

bad_debt as (
    select * from {{ ref('bad_debt_by_period') }}
    where
        period_type = 'quarter'
        and scope_type = 'company'
),

contacts as (
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

payments as (
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
    select
        'recovery_rate' as measure,
        'payments' as extract_name
    union all
    select
        'average_collection_days' as measure,
        'payments' as extract_name
    union all
    select
        'unpaid_rate' as measure,
        'payments' as extract_name
    union all
    select
        'collection_effectiveness_index' as measure,
        'payments' as extract_name
    union all
    select
        'promise_kept_rate' as measure,
        'contact_log' as extract_name
    union all
    select
        'complaint_rate' as measure,
        'contact_log' as extract_name
    union all
    select
        'satisfaction_score' as measure,
        'surveys' as extract_name
    union all
    select
        'training_pass_rate' as measure,
        'trainings' as extract_name
),

company_quarters as (
    select
        company_code,
        as_of_date,
        period_start as quarter_start,
        period_end as quarter_end,
        is_complete
    from turnover
),

company_counts as (
    select count(distinct company_code) as company_count
    from company_quarters
),

quarters as (
    select
        company_code,
        as_of_date,
        quarter_start,
        quarter_end,
        is_complete
    from company_quarters
    union all
    select
        'all' as company_code,
        company_quarters.as_of_date,
        company_quarters.quarter_start,
        company_quarters.quarter_end,
        company_quarters.is_complete
    from company_quarters
    cross join company_counts
    where company_counts.company_count > 1
    group by
        company_quarters.as_of_date,
        company_quarters.quarter_start,
        company_quarters.quarter_end,
        company_quarters.is_complete
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
    {%- for measure, mart in measures_of_books.items() %}
        select
            company_code,
            period_start as quarter_start,
            '{{ measure }}' as measure,
            {{ measure }} as measure_value,
            cast({{ measure }}_numerator as decimal(28, 8)) as numerator,
            cast({{ measure }}_denominator as decimal(28, 8)) as denominator,
            {{ measure }}_status as status,
            rate_status
        from {{ mart }}
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

of_books_of_group as (
    select
        'all' as company_code,
        quarter_start,
        measure,
        cast(sum(numerator) as decimal(28, 8)) as numerator,
        cast(sum(denominator) as decimal(28, 8)) as denominator,
        case
            when sum(case when rate_status = 'missing' then 1 else 0 end) > 0 then 'missing'
            else 'ok'
        end as rate_status
    from of_books
    group by quarter_start, measure
),

promise_counts as (
    select
        quarters.company_code,
        quarters.quarter_start,
        sum(case when promises.promise_status = 'kept' then 1 else 0 end) as numerator,
        count(*) as denominator
    from promises
    inner join customers_in_scope
        on promises.customer_id = customers_in_scope.customer_id
    inner join quarters
        on
            customers_in_scope.company_code = quarters.company_code
            and promises.promised_date between quarters.quarter_start and quarters.quarter_end
            and (
                promises.company_code = quarters.company_code
                or promises.company_code is null
                or quarters.company_code = 'all'
            )
    where promises.promise_status in ('kept', 'partly_kept', 'broken')
    group by quarters.company_code, quarters.quarter_start
),

-- Contacts are added up by customer before scopes multiply them.
contacts_by_customer as (
    select
        customer_id,
        cast(date_trunc('quarter', contact_date) as date) as quarter_start,
        sum(case when outcome = 'complaint' then 1 else 0 end) as complaint_count
    from contacts
    group by customer_id, cast(date_trunc('quarter', contact_date) as date)
),

contact_counts as (
    select
        quarters.company_code,
        quarters.quarter_start,
        sum(contacts_by_customer.complaint_count) as complaint_count,
        count(*) as customer_count
    from contacts_by_customer
    inner join customers_in_scope
        on contacts_by_customer.customer_id = customers_in_scope.customer_id
    inner join quarters
        on
            customers_in_scope.company_code = quarters.company_code
            and contacts_by_customer.quarter_start = quarters.quarter_start
    group by quarters.company_code, quarters.quarter_start
),

survey_counts as (
    select
        quarters.company_code,
        quarters.quarter_start,
        sum(surveys.score) as score_total,
        count(*) as survey_count
    from surveys
    inner join customers_in_scope
        on surveys.customer_id = customers_in_scope.customer_id
    inner join quarters
        on
            customers_in_scope.company_code = quarters.company_code
            and surveys.survey_date between quarters.quarter_start and quarters.quarter_end
    group by quarters.company_code, quarters.quarter_start
),

training_counts as (
    select
        quarters.company_code,
        quarters.quarter_start,
        sum(case when trainings.is_passed then 1 else 0 end) as numerator,
        count(*) as denominator
    from trainings
    inner join quarters
        on trainings.assessed_date between quarters.quarter_start and quarters.quarter_end
    where trainings.is_assessed_in_time
    group by quarters.company_code, quarters.quarter_start
),

of_work as (
    select
        quarters.company_code,
        quarters.quarter_start,
        'promise_kept_rate' as measure,
        cast(coalesce(promise_counts.numerator, 0) as decimal(28, 8)) as numerator,
        cast(coalesce(promise_counts.denominator, 0) as decimal(28, 8)) as denominator,
        cast(coalesce(promise_counts.numerator, 0) as decimal(28, 2)) as exact_numerator,
        cast(coalesce(promise_counts.denominator, 0) as decimal(28, 2)) as exact_denominator
    from quarters
    left join promise_counts
        on
            quarters.company_code = promise_counts.company_code
            and quarters.quarter_start = promise_counts.quarter_start
    union all
    select
        quarters.company_code,
        quarters.quarter_start,
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
    from quarters
    cross join measure_rules
    left join contact_counts
        on
            quarters.company_code = contact_counts.company_code
            and quarters.quarter_start = contact_counts.quarter_start
    union all
    select
        quarters.company_code,
        quarters.quarter_start,
        'satisfaction_score' as measure,
        cast(coalesce(survey_counts.score_total, 0) as decimal(28, 8)) as numerator,
        cast(coalesce(survey_counts.survey_count, 0) as decimal(28, 8)) as denominator,
        case
            when survey_counts.survey_count >= measure_rules.minimum_survey_count
                then cast(survey_counts.score_total as decimal(28, 2))
        end as exact_numerator,
        cast(coalesce(survey_counts.survey_count, 0) as decimal(28, 2)) as exact_denominator
    from quarters
    cross join measure_rules
    left join survey_counts
        on
            quarters.company_code = survey_counts.company_code
            and quarters.quarter_start = survey_counts.quarter_start
    union all
    select
        quarters.company_code,
        quarters.quarter_start,
        'training_pass_rate' as measure,
        cast(coalesce(training_counts.numerator, 0) as decimal(28, 8)) as numerator,
        cast(coalesce(training_counts.denominator, 0) as decimal(28, 8)) as denominator,
        cast(coalesce(training_counts.numerator, 0) as decimal(28, 2)) as exact_numerator,
        cast(coalesce(training_counts.denominator, 0) as decimal(28, 2)) as exact_denominator
    from quarters
    left join training_counts
        on
            quarters.company_code = training_counts.company_code
            and quarters.quarter_start = training_counts.quarter_start
),

all_measures as (
    select
        company_code,
        quarter_start,
        measure,
        measure_value,
        numerator,
        denominator,
        status,
        rate_status
    from of_books
    union all
    select
        company_code,
        quarter_start,
        measure,
        {{ ratio_value('numerator', 'denominator') }} as measure_value,
        numerator,
        denominator,
        {{ ratio_status('numerator', 'denominator') }} as status,
        rate_status
    from of_books_of_group
    union all
    select
        company_code,
        quarter_start,
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
        quarters.company_code,
        quarters.as_of_date,
        quarters.quarter_start,
        quarters.quarter_end,
        quarters.is_complete,
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
    inner join quarters
        on
            all_measures.company_code = quarters.company_code
            and all_measures.quarter_start = quarters.quarter_start
    left join extracts_needed
        on all_measures.measure = extracts_needed.measure
    left join extracts
        on extracts_needed.extract_name = extracts.extract_name
)

select * from final
