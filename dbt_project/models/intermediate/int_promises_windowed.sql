-- Grain: one row per promise, with the days on which cash can keep it and the island of promises
-- that it may share cash with.
-- A promise stands until its date + grace. A newer one for the same document (else the same
-- customer), made on a later day and no later than the promised date, takes its place from that
-- day on. Promises made on one day, such as the parts of a plan, stand beside one another.
{{ config(**replaces_touched(by='int_promising_customers_touched', keys=['customer_id'])) }}

with contacts as (
    select * from {{ ref('int_contacts_dated') }}
),

delivered_contacts as (
    select * from {{ ref('stg_lake__contacts') }}
),

documents as (
    select * from {{ ref('int_documents_versioned') }}
),

customers as (
    select * from {{ ref('int_customers_deduped') }}
),

fx_rates as (
    select * from {{ ref('int_fx_rates_spanned') }}
),

promise_rules as (
    select * from {{ ref('promise_rules') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

promise_contacts as (
    select
        contacts.contact_id,
        contacts.customer_id,
        contacts.document_id,
        contacts.collector_id,
        contacts.contacted_at,
        contacts.contact_date,
        contacts.channel,
        contacts.promised_amount_document,
        contacts.promised_date,
        {{ add_days('contacts.promised_date', 'promise_rules.grace_days') }} as deadline_date,
        promise_rules.amount_tolerance_rate
    from contacts
    cross join promise_rules
    where
        contacts.outcome in ('promise_to_pay', 'payment_plan')
        and contacts.promised_amount_document > 0
        and contacts.promised_date is not null
        and {{ touched_only('contacts', 'int_promising_customers_touched', ['customer_id']) }}
),

-- A promise is known from when it was first told of, and says what it is last said to be.
told as (
    select
        contact_id,
        customer_id,
        min(_recorded_at) as _recorded_at
    from delivered_contacts
    where
        outcome in ('promise_to_pay', 'payment_plan')
        and {{ touched_only(
            'delivered_contacts', 'int_promising_customers_touched', ['customer_id']
        ) }}
    group by contact_id, customer_id
),

promised_documents as (
    select
        customer_id,
        document_id
    from promise_contacts
    where document_id is not null
    group by customer_id, document_id
),

known_documents as (
    select
        documents.customer_id,
        documents.document_id,
        min(documents.company_code) as company_code,
        max(documents.company_code) as last_company_code,
        min(documents.currency_code) as currency_code,
        min(case when documents.is_withdrawn then 1 else 0 end) = 1 as is_withdrawn
    from documents
    inner join promised_documents
        on
            documents.customer_id = promised_documents.customer_id
            and documents.document_id = promised_documents.document_id
    where documents.is_current
    group by documents.customer_id, documents.document_id
),

-- Customers of promises whose currency only their other documents can tell.
customers_without_currency as (
    select promise_contacts.customer_id
    from promise_contacts
    left join known_documents
        on
            promise_contacts.customer_id = known_documents.customer_id
            and promise_contacts.document_id = known_documents.document_id
    left join customers
        on promise_contacts.customer_id = customers.customer_id
    where
        known_documents.currency_code is null
        and customers.currency_code is null
    group by promise_contacts.customer_id
),

document_currencies as (
    select
        documents.customer_id,
        documents.document_id,
        min(documents.currency_code) as currency_code
    from documents
    inner join customers_without_currency
        on documents.customer_id = customers_without_currency.customer_id
    where documents.is_current
    group by documents.customer_id, documents.document_id
),

customer_currencies as (
    select
        customer_id,
        min(currency_code) as currency_code,
        max(currency_code) as last_currency_code
    from document_currencies
    group by customer_id
),

placed as (
    select
        promise_contacts.*,
        told._recorded_at,
        known_documents.document_id as target_document_id,
        case
            when known_documents.company_code = known_documents.last_company_code
                then known_documents.company_code
        end as company_code,
        coalesce(known_documents.is_withdrawn, false) as is_document_withdrawn,
        coalesce(
            known_documents.currency_code,
            customers.currency_code,
            case
                when customer_currencies.currency_code = customer_currencies.last_currency_code
                    then customer_currencies.currency_code
            end,
            run_parameters.reporting_currency_code
        ) as currency_code,
        run_parameters.reporting_currency_code
    from promise_contacts
    cross join run_parameters
    inner join told
        on
            promise_contacts.contact_id = told.contact_id
            and promise_contacts.customer_id = told.customer_id
    left join known_documents
        on
            promise_contacts.customer_id = known_documents.customer_id
            and promise_contacts.document_id = known_documents.document_id
    left join customers
        on promise_contacts.customer_id = customers.customer_id
    left join customer_currencies
        on promise_contacts.customer_id = customer_currencies.customer_id
),

converted as (
    select
        placed.*,
        case
            when placed.currency_code = placed.reporting_currency_code
                then placed.promised_amount_document
            else {{ convert_amount('placed.promised_amount_document', 'fx_rates.fx_rate') }}
        end as promised_amount
    from placed
    left join fx_rates
        on
            placed.currency_code = fx_rates.currency_code
            and placed.contact_date >= fx_rates.valid_from_date
            and placed.contact_date < fx_rates.valid_to_date
),

promise_days as (
    select
        customer_id,
        target_document_id,
        contact_date
    from converted
    group by customer_id, target_document_id, contact_date
),

promise_days_followed as (
    select
        customer_id,
        target_document_id,
        contact_date,
        lead(contact_date) over (
            partition by customer_id, target_document_id
            order by contact_date
        ) as next_contact_date
    from promise_days
),

customers_promising_as_a_whole as (
    select customer_id
    from converted
    where target_document_id is null
    group by customer_id
),

superseded as (
    select
        converted.*,
        case
            when promise_days_followed.next_contact_date <= converted.promised_date
                then promise_days_followed.next_contact_date
        end as superseded_date,
        case
            when
                customers_promising_as_a_whole.customer_id is null
                then converted.target_document_id
        end as contested_document_id
    from converted
    inner join promise_days_followed
        on
            converted.customer_id = promise_days_followed.customer_id
            and converted.contact_date = promise_days_followed.contact_date
            and converted.target_document_id
            is not distinct from promise_days_followed.target_document_id
    left join customers_promising_as_a_whole
        on converted.customer_id = customers_promising_as_a_whole.customer_id
),

windowed as (
    select
        *,
        contact_date as window_start,
        least(
            deadline_date,
            coalesce({{ add_days('superseded_date', -1) }}, deadline_date)
        ) as window_end
    from superseded
),

windows_followed as (
    select
        *,
        max(window_end) over (
            partition by customer_id, contested_document_id
            order by contacted_at, contact_id
            rows between unbounded preceding and 1 preceding
        ) as window_end_before
    from windowed
),

islands_counted as (
    select
        *,
        sum(
            case
                when window_start > window_end_before or window_end_before is null then 1 else 0
            end
        ) over (
            partition by customer_id, contested_document_id
            order by contacted_at, contact_id
            rows between unbounded preceding and current row
        ) as island_no
    from windows_followed
),

final as (
    select
        contact_id as promise_id,
        customer_id,
        document_id,
        target_document_id,
        contested_document_id,
        company_code,
        collector_id,
        channel,
        contacted_at as promised_at,
        contact_date as promise_date,
        promised_date,
        deadline_date,
        superseded_date,
        window_start,
        window_end,
        currency_code,
        promised_amount_document,
        promised_amount,
        amount_tolerance_rate,
        is_document_withdrawn,
        _recorded_at,
        cast(island_no as integer) as island_no,
        cast(
            row_number() over (
                partition by customer_id, contested_document_id, island_no
                order by contacted_at, contact_id
            ) as integer
        ) as promise_no
    from islands_counted
)

select * from final
