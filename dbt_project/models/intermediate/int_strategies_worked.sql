-- Grain: one row per month, company, strategy, channel (or `all`), credit grade and bucket of what
-- was past due when the month began, of customers who were contacted in it, and of the cash that
-- came on it within some days of the month's first contact. A customer and its contacts are counted
-- in the bucket that its strategy is of.
{{ config(**replaces_touched(by='int_strategy_months_touched', keys=['month_start'])) }}

with all_openings as (
    select * from {{ ref('int_openings_graded') }}
),

contacts as (
    select * from {{ ref('int_contacts_dated') }}
    where
        direction = 'outbound'
        and {{ touched_only('int_contacts_dated', 'int_strategy_months_touched', ['month_start']) }}
),

all_cash as (
    select * from {{ ref('int_cash_dated') }}
),

buckets as (
    select * from {{ ref('dim_aging_buckets') }}
    where
        bucket_set = 'days'
        and is_aged
),

collectors as (
    select * from {{ ref('dim_collectors') }}
),

strategy_matrix as (
    select * from {{ ref('strategy_matrix') }}
),

strategy_rules as (
    select * from {{ ref('strategy_rules') }}
),

openings as (
    select
        all_openings.*,
        buckets.aging_bucket_order
    from all_openings
    inner join buckets
        on all_openings.aging_bucket = buckets.aging_bucket
    where
        buckets.lower_bound is not null
        and {{ touched_only('all_openings', 'int_strategy_months_touched', ['month_start']) }}
),

assigned as (
    select
        month_start,
        company_code,
        customer_id,
        credit_grade,
        max(case when is_owed then aging_bucket_order end) as aging_bucket_order,
        sum(opening_amount) as past_due_amount
    from openings
    group by month_start, company_code, customer_id, credit_grade
),

strategies as (
    select
        assigned.month_start,
        assigned.company_code,
        assigned.customer_id,
        assigned.credit_grade,
        buckets.aging_bucket,
        strategy_matrix.strategy_code
    from assigned
    cross join strategy_rules
    inner join buckets
        on assigned.aging_bucket_order = buckets.aging_bucket_order
    inner join strategy_matrix
        on
            assigned.credit_grade = strategy_matrix.credit_grade
            and buckets.aging_bucket = strategy_matrix.aging_bucket
            and strategy_matrix.amount_class
            = case
                when assigned.past_due_amount >= strategy_rules.large_amount_from then 'large'
                else 'small'
            end
),

contacts_by_channel as (
    select
        contacts.customer_id,
        contacts.month_start,
        contacts.channel,
        min(contacts.contact_date) as first_contact_date,
        count(*) as contact_count,
        sum(
            case
                when contacts.duration_seconds * collectors.hourly_cost_amount is null then 0
                else 1
            end
        ) as costed_contact_count,
        sum(contacts.duration_seconds * collectors.hourly_cost_amount) as cost_amount_seconds
    from contacts
    left join collectors
        on contacts.collector_id = collectors.collector_id
    group by contacts.customer_id, contacts.month_start, contacts.channel
),

contacts_by_any_channel as (
    select * from contacts_by_channel
    union all
    select
        customer_id,
        month_start,
        'all' as channel,
        min(first_contact_date) as first_contact_date,
        sum(contact_count) as contact_count,
        sum(costed_contact_count) as costed_contact_count,
        sum(cost_amount_seconds) as cost_amount_seconds
    from contacts_by_channel
    group by customer_id, month_start
),

worked as (
    select
        strategies.*,
        contacts_by_any_channel.channel,
        contacts_by_any_channel.first_contact_date,
        contacts_by_any_channel.contact_count,
        contacts_by_any_channel.costed_contact_count,
        contacts_by_any_channel.cost_amount_seconds
    from strategies
    inner join contacts_by_any_channel
        on
            strategies.customer_id = contacts_by_any_channel.customer_id
            and strategies.month_start = contacts_by_any_channel.month_start
),

worked_days as (
    select
        worked.month_start,
        worked.company_code,
        worked.customer_id,
        worked.first_contact_date,
        {{ add_days('worked.first_contact_date', 'strategy_rules.collected_within_days') }}
            as last_date
    from worked
    cross join strategy_rules
    group by
        worked.month_start,
        worked.company_code,
        worked.customer_id,
        worked.first_contact_date,
        strategy_rules.collected_within_days
),

cash_after_contacts as (
    select
        worked_days.month_start,
        worked_days.company_code,
        worked_days.customer_id,
        worked_days.first_contact_date,
        all_cash.due_date,
        sum(all_cash.amount) as collected_amount
    from worked_days
    inner join all_cash
        on
            worked_days.company_code = all_cash.company_code
            and worked_days.customer_id = all_cash.customer_id
            and worked_days.first_contact_date <= all_cash.effective_date
            and worked_days.last_date >= all_cash.effective_date
            and worked_days.month_start > all_cash.document_date
            and worked_days.month_start > all_cash.due_date
    group by
        worked_days.month_start,
        worked_days.company_code,
        worked_days.customer_id,
        worked_days.first_contact_date,
        all_cash.due_date
),

due_days as (
    select
        month_start,
        due_date
    from cash_after_contacts
    group by month_start, due_date
),

aged_days as (
    select
        due_days.month_start,
        due_days.due_date,
        buckets.aging_bucket
    from due_days
    inner join buckets
        on {{ bucket_holds('buckets', 'due_days.due_date', add_days('due_days.month_start', -1)) }}
    where buckets.lower_bound is not null
),

cash as (
    select
        cash_after_contacts.month_start,
        cash_after_contacts.company_code,
        cash_after_contacts.customer_id,
        cash_after_contacts.first_contact_date,
        aged_days.aging_bucket,
        sum(cash_after_contacts.collected_amount) as collected_amount
    from cash_after_contacts
    inner join aged_days
        on
            cash_after_contacts.month_start = aged_days.month_start
            and cash_after_contacts.due_date = aged_days.due_date
    group by
        cash_after_contacts.month_start,
        cash_after_contacts.company_code,
        cash_after_contacts.customer_id,
        cash_after_contacts.first_contact_date,
        aged_days.aging_bucket
),

parts as (
    select
        month_start,
        company_code,
        strategy_code,
        channel,
        credit_grade,
        aging_bucket,
        1 as worked_customer_count,
        contact_count,
        costed_contact_count,
        cost_amount_seconds,
        cast(0 as decimal(18, 2)) as worked_amount,
        cast(0 as decimal(18, 2)) as collected_amount
    from worked
    union all
    select
        worked.month_start,
        worked.company_code,
        worked.strategy_code,
        worked.channel,
        worked.credit_grade,
        openings.aging_bucket,
        0 as worked_customer_count,
        0 as contact_count,
        0 as costed_contact_count,
        cast(0 as decimal(28, 2)) as cost_amount_seconds,
        openings.opening_amount as worked_amount,
        cast(0 as decimal(18, 2)) as collected_amount
    from worked
    inner join openings
        on
            worked.month_start = openings.month_start
            and worked.company_code = openings.company_code
            and worked.customer_id = openings.customer_id
    union all
    select
        worked.month_start,
        worked.company_code,
        worked.strategy_code,
        worked.channel,
        worked.credit_grade,
        cash.aging_bucket,
        0 as worked_customer_count,
        0 as contact_count,
        0 as costed_contact_count,
        cast(0 as decimal(28, 2)) as cost_amount_seconds,
        cast(0 as decimal(18, 2)) as worked_amount,
        cash.collected_amount
    from worked
    inner join cash
        on
            worked.month_start = cash.month_start
            and worked.company_code = cash.company_code
            and worked.customer_id = cash.customer_id
            and worked.first_contact_date = cash.first_contact_date
),

final as (
    select
        month_start,
        company_code,
        strategy_code,
        channel,
        credit_grade,
        aging_bucket,
        cast(sum(worked_customer_count) as integer) as worked_customer_count,
        cast(sum(contact_count) as integer) as contact_count,
        cast(sum(costed_contact_count) as integer) as costed_contact_count,
        cast(coalesce(sum(cost_amount_seconds), 0) as decimal(28, 2)) as cost_amount_seconds,
        cast(sum(worked_amount) as decimal(28, 2)) as worked_amount,
        cast(coalesce(sum(collected_amount), 0) as decimal(28, 2)) as collected_amount
    from parts
    group by month_start, company_code, strategy_code, channel, credit_grade, aging_bucket
)

select * from final
