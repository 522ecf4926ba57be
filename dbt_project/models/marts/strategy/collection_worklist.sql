-- Grain: one row per customer with something to do on the as-of date. Of a customer of several
-- companies the strategy is that of the oldest arrears, then of the largest. A customer who was
-- contacted a moment ago, or has promised for a later day, is not past due here: it is waited for.
{%- set reasons = [
    'insolvent', 'broken_promise', 'promise_due', 'open_dispute', 'over_limit', 'past_due',
    'large_amount', 'poor_grade', 'long_past_due', 'never_contacted'
] %}
{%- set reason_points, reason_codes, reason_orders = [], [], [] %}
{%- for reason in reasons %}
    {%- set holds = 'case when reasoned.is_' ~ reason ~ '_reason then ' %}
    {%- do reason_points.append(holds ~ 'points.' ~ reason ~ '_points else 0 end') %}
    {%- do reason_codes.append(holds ~ "'" ~ reason ~ "' end") %}
    {%- do reason_orders.append(holds ~ 'points.' ~ reason ~ '_order end') %}
{%- endfor %}
with assignments as (
    select * from {{ ref('strategy_assignments') }}
),

grades as (
    select * from {{ ref('credit_points_by_customer_month') }}
),

promises as (
    select * from {{ ref('int_promises_judged') }}
    where promise_status in ('open', 'broken')
),

contacts as (
    select * from {{ ref('int_contacts_dated') }}
),

items as (
    select * from {{ ref('receivable_items') }}
    where
        is_current
        and item_type = 'document'
        and has_open_dispute
),

spans as (
    select * from {{ ref('receivables_by_span') }}
    where item_type = 'document'
),

worklist_reasons as (
    select * from {{ ref('worklist_reasons') }}
),

strategy_rules as (
    select * from {{ ref('strategy_rules') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

ranked_assignments as (
    select
        *,
        sum(owed_amount) over (partition by customer_id) as customer_owed_amount,
        sum(past_due_amount) over (partition by customer_id) as customer_past_due_amount,
        row_number() over (
            partition by customer_id
            order by aging_bucket_order desc, past_due_amount desc, company_code asc
        ) as assignment_rank
    from assignments
),

open_items as (
    select spans.*
    from spans
    inner join run_parameters
        on
            spans.open_from <= run_parameters.as_of_date
            and spans.open_to > run_parameters.as_of_date
),

oldest_items as (
    select
        open_items.customer_id,
        min(open_items.due_date) as oldest_due_date
    from open_items
    cross join run_parameters
    where
        open_items.credit_class_code is null
        and open_items.open_amount_document > 0
        and open_items.due_date < run_parameters.as_of_date
    group by open_items.customer_id
),

disputed_items as (
    select
        open_items.customer_id,
        count(*) as disputed_item_count,
        sum(open_items.open_amount) as disputed_amount
    from open_items
    inner join items
        on
            open_items.company_code = items.company_code
            and open_items.document_id = items.document_id
            and open_items.installment_no = items.installment_no
    group by open_items.customer_id
),

promises_by_customer as (
    select
        promises.customer_id,
        min(case when promises.promise_status = 'open' then promises.promised_date end)
            as open_promise_date,
        sum(case when promises.promise_status = 'open' then promises.promised_amount end)
            as open_promise_amount,
        max(
            case
                when
                    promises.promise_status = 'broken'
                    and promises.deadline_date
                    >= {{ add_days(
                        'run_parameters.as_of_date', '-strategy_rules.broken_promise_days'
                    ) }}
                    then promises.deadline_date
            end
        ) as broken_promise_deadline_date
    from promises
    cross join run_parameters
    cross join strategy_rules
    group by promises.customer_id
),

-- The instant first, which is a number: whole contacts are compared only of that instant.
last_instants as (
    select
        customer_id,
        max(contacted_at) as contacted_at
    from contacts
    group by customer_id
),

last_contacts as (
    select
        contacts.customer_id,
        max(contacts.contact_id) as contact_id
    from contacts
    inner join last_instants
        on
            contacts.customer_id = last_instants.customer_id
            and contacts.contacted_at = last_instants.contacted_at
    group by contacts.customer_id
),

last_contacts_told as (
    select
        contacts.customer_id,
        contacts.contact_date,
        contacts.channel,
        contacts.outcome,
        contacts.collector_id,
        contacts.is_connect
    from contacts
    inner join last_contacts
        on contacts.contact_id = last_contacts.contact_id
),

-- Reasons that call for nothing by themselves only raise the score.
acting_reasons as (
    select
        *,
        case when action_code is not null then reason_order end as acting_order
    from worklist_reasons
),

points as (
    select
    {%- for reason in reasons %}
            max(case when reason_code = '{{ reason }}' then score_points end)
                as {{ reason }}_points,
            max(case when reason_code = '{{ reason }}' then acting_order end)
                as {{ reason }}_order{{ ',' if not loop.last }}
    {%- endfor %}
    from acting_reasons
),

described as (
    select
        ranked_assignments.as_of_date,
        ranked_assignments.customer_id,
        ranked_assignments.company_code,
        ranked_assignments.credit_grade,
        ranked_assignments.aging_bucket,
        ranked_assignments.amount_class,
        ranked_assignments.strategy_code,
        ranked_assignments.first_channel,
        ranked_assignments.second_channel,
        ranked_assignments.third_channel,
        ranked_assignments.tone,
        ranked_assignments.responsible_role,
        ranked_assignments.deadline_days,
        ranked_assignments.escalation_strategy_code,
        ranked_assignments.collector_id,
        ranked_assignments.customer_owed_amount as owed_amount,
        ranked_assignments.customer_past_due_amount as past_due_amount,
        oldest_items.oldest_due_date,
        {{ days_between('oldest_items.oldest_due_date', 'ranked_assignments.as_of_date') }}
            as days_past_due,
        last_contacts_told.contact_date as last_contact_date,
        last_contacts_told.channel as last_contact_channel,
        last_contacts_told.outcome as last_contact_outcome,
        last_contacts_told.collector_id as last_contact_collector_id,
        coalesce(last_contacts_told.is_connect, false) as is_last_contact_connect,
        promises_by_customer.open_promise_date,
        promises_by_customer.open_promise_amount,
        promises_by_customer.broken_promise_deadline_date,
        coalesce(disputed_items.disputed_item_count, 0) as disputed_item_count,
        coalesce(disputed_items.disputed_amount, 0) as disputed_amount,
        grades.balance_amount,
        grades.credit_limit_amount,
        coalesce(grades.is_insolvent, false) as is_insolvent,
        strategy_rules.large_amount_from,
        strategy_rules.contact_pause_days,
        strategy_rules.poor_grade_from,
        strategy_rules.long_past_due_days
    from ranked_assignments
    cross join strategy_rules
    left join oldest_items
        on ranked_assignments.customer_id = oldest_items.customer_id
    left join disputed_items
        on ranked_assignments.customer_id = disputed_items.customer_id
    left join promises_by_customer
        on ranked_assignments.customer_id = promises_by_customer.customer_id
    left join last_contacts_told
        on ranked_assignments.customer_id = last_contacts_told.customer_id
    left join grades
        on
            ranked_assignments.customer_id = grades.customer_id
            and grades.month_start = {{ month_start('ranked_assignments.as_of_date') }}
    where ranked_assignments.assignment_rank = 1
),

awaited as (
    select
        *,
        oldest_due_date is not null
        and coalesce(open_promise_date <= as_of_date, true)
        and coalesce(
            last_contact_date <= {{ add_days('as_of_date', '-contact_pause_days') }}, true
        ) as is_past_due
    from described
),

reasoned as (
    select
        *,
        is_insolvent as is_insolvent_reason,
        oldest_due_date is not null
        and broken_promise_deadline_date is not null
        and coalesce(last_contact_date <= broken_promise_deadline_date, true)
            as is_broken_promise_reason,
        coalesce(open_promise_date <= as_of_date, false) as is_promise_due_reason,
        disputed_item_count > 0 as is_open_dispute_reason,
        coalesce(balance_amount > credit_limit_amount, false) as is_over_limit_reason,
        is_past_due as is_past_due_reason,
        is_past_due and past_due_amount >= large_amount_from as is_large_amount_reason,
        is_past_due and credit_grade between poor_grade_from and 'E' as is_poor_grade_reason,
        is_past_due and days_past_due > long_past_due_days as is_long_past_due_reason,
        is_past_due and coalesce(last_contact_date <= oldest_due_date, true)
            as is_never_contacted_reason
    from awaited
),

scored as (
    select
        reasoned.*,
        {{ reason_points | join(' + ') }} as worklist_score,
        concat_ws(', ', {{ reason_codes | join(', ') }}) as reasons,
        least({{ reason_orders | join(', ') }}) as first_reason_order
    from reasoned
    cross join points
),

acting as (
    select
        scored.*,
        worklist_reasons.action_code as recommended_action
    from scored
    inner join worklist_reasons
        on scored.first_reason_order = worklist_reasons.reason_order
),

final as (
    select
        as_of_date,
        customer_id,
        cast(
            row_number() over (
                order by
                    worklist_score desc,
                    past_due_amount desc,
                    oldest_due_date asc nulls last,
                    customer_id asc
            ) as integer
        ) as worklist_rank,
        cast(worklist_score as integer) as worklist_score,
        reasons,
        recommended_action,
        -- The strategy's channels in order: the next one when nobody was reached by the one before.
        case
            when is_last_contact_connect or last_contact_date <= oldest_due_date
                then first_channel
            when last_contact_channel = first_channel then coalesce(second_channel, first_channel)
            when last_contact_channel = second_channel then coalesce(third_channel, first_channel)
            else first_channel
        end as recommended_channel,
        collector_id,
        greatest(
            as_of_date,
            {{ add_days(
                'coalesce(last_contact_date, oldest_due_date, as_of_date)', 'deadline_days'
            ) }}
        ) as deadline_date,
        company_code,
        strategy_code,
        tone,
        responsible_role,
        escalation_strategy_code,
        credit_grade,
        aging_bucket,
        amount_class,
        cast(owed_amount as decimal(18, 2)) as owed_amount,
        cast(past_due_amount as decimal(18, 2)) as past_due_amount,
        oldest_due_date,
        days_past_due,
        last_contact_date,
        last_contact_channel,
        last_contact_outcome,
        last_contact_collector_id,
        open_promise_date,
        cast(open_promise_amount as decimal(18, 2)) as open_promise_amount,
        cast(disputed_item_count as integer) as disputed_item_count,
        cast(disputed_amount as decimal(18, 2)) as disputed_amount
    from acting
)

select * from final
