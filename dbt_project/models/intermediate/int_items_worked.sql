-- Grain: one row per item, collector, channel and month in which an outbound contact worked it,
-- with what came of the last one. An item is worked that is past due and open when the day begins;
-- a contact that names no document works all of its customer's.
{%- set worked = [
    'company_code', 'document_id', 'installment_no', 'customer_id', 'collector_id', 'channel',
    'month_start'
] %}
{{ config(**replaces_touched(
    by='int_items_worked_touched', keys=['customer_id', 'document_id']
)) }}

with contacts as (
    select * from {{ ref('int_contacts_dated') }}
    where direction = 'outbound'
),

spans as (
    select * from {{ ref('receivables_by_span') }}
    where
        item_type = 'document'
        and credit_class_code is null
        and open_amount_document > 0
        and {{ touched_only(
            'receivables_by_span', 'int_items_worked_touched', ['customer_id', 'document_id']
        ) }}
),

cash as (
    select * from {{ ref('int_cash_dated') }}
    where {{ touched_only(
        'int_cash_dated', 'int_items_worked_touched', ['customer_id', 'document_id']
    ) }}
),

promises as (
    select * from {{ ref('int_promises_judged') }}
    where
        promise_scope = 'document'
        and promise_status = 'kept'
        and {{ touched_only(
            'int_promises_judged', 'int_items_worked_touched', ['customer_id', 'document_id']
        ) }}
),

success_rules as (
    select * from {{ ref('success_rules') }}
),

-- Contacts with and without a document are joined apart: each by equal keys.
worked_days as (
    {%- for is_named in [true, false] %}
        select
            spans.company_code,
            spans.document_id,
            spans.installment_no,
            spans.customer_id,
            contacts.collector_id,
            contacts.channel,
            contacts.month_start,
            contacts.contact_date,
            spans.open_amount_document,
            coalesce(spans.open_amount, 0) as open_amount
        from contacts
        inner join spans
            on
                contacts.customer_id = spans.customer_id
                {%- if is_named %}
                    and contacts.document_id = spans.document_id
                {%- endif %}
                and contacts.contact_date > spans.due_date
                and contacts.contact_date > spans.open_from
                and contacts.contact_date <= spans.open_to
        {%- if is_named %}
            union all
        {%- else %}
            where contacts.document_id is null
        {%- endif %}
    {%- endfor %}
),

-- On one day an item has one balance, so that no tie can be broken otherwise.
last_days as (
    select
        {{ columns_of(worked) }},
        max(contact_date) as last_worked_date,
        {{ latest_by('open_amount_document', 'contact_date', 'open_amount_document') }}
            as open_amount_document,
        {{ latest_by('open_amount', 'contact_date', 'open_amount_document') }} as open_amount
    from worked_days
    group by {{ columns_of(worked) }}
),

days_to_judge as (
    select
        company_code,
        document_id,
        installment_no,
        customer_id,
        last_worked_date,
        max(open_amount_document) as open_amount_document
    from last_days
    group by company_code, document_id, installment_no, customer_id, last_worked_date
),

-- Cash is dated by its payment, and a reversal by the payment that it takes back: what bounced
-- later was never paid.
paid_days as (
    select
        days_to_judge.company_code,
        days_to_judge.document_id,
        days_to_judge.installment_no,
        days_to_judge.last_worked_date
    from days_to_judge
    cross join success_rules
    inner join cash
        on
            days_to_judge.company_code = cash.company_code
            and days_to_judge.document_id = cash.document_id
            and days_to_judge.installment_no = cash.installment_no
            and days_to_judge.last_worked_date <= cash.payment_date
            and {{ add_days('days_to_judge.last_worked_date', 'success_rules.window_days') }}
            >= cash.payment_date
    group by
        days_to_judge.company_code,
        days_to_judge.document_id,
        days_to_judge.installment_no,
        days_to_judge.last_worked_date
    having
        sum(cash.amount_document)
        >= max(
            cast(days_to_judge.open_amount_document as decimal(28, 2)) * success_rules.paid_share
        )
),

promised_days as (
    select
        days_to_judge.customer_id,
        days_to_judge.document_id,
        days_to_judge.last_worked_date
    from days_to_judge
    cross join success_rules
    inner join promises
        on
            days_to_judge.customer_id = promises.customer_id
            and days_to_judge.document_id = promises.document_id
            and days_to_judge.last_worked_date <= promises.kept_date
            and {{ add_days('days_to_judge.last_worked_date', 'success_rules.window_days') }}
            >= promises.kept_date
    group by
        days_to_judge.customer_id,
        days_to_judge.document_id,
        days_to_judge.last_worked_date
),

final as (
    select
        {{ columns_of(worked, 'last_days') }},
        last_days.last_worked_date,
        cast(last_days.open_amount as decimal(18, 2)) as open_amount,
        paid_days.document_id is not null as is_paid,
        promised_days.document_id is not null as is_promise_kept
    from last_days
    left join paid_days
        on
            last_days.company_code = paid_days.company_code
            and last_days.document_id = paid_days.document_id
            and last_days.installment_no = paid_days.installment_no
            and last_days.last_worked_date = paid_days.last_worked_date
    left join promised_days
        on
            last_days.customer_id = promised_days.customer_id
            and last_days.document_id = promised_days.document_id
            and last_days.last_worked_date = promised_days.last_worked_date
)

select * from final
