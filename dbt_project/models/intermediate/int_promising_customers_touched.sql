-- Grain: one row per customer whose promises may stand differently since the build before: a
-- promise of theirs changed or was made, a document that they promised for is known otherwise, or
-- what their promises are worth. Empty when the warehouse is built from nothing.
with contact_days as (
    select * from {{ ref('int_contact_days_touched') }}
    where is_promise
),

promise_contacts as (
    select * from {{ ref('int_contacts_dated') }}
    where outcome in ('promise_to_pay', 'payment_plan')
),

changed_documents as (
    {{ changed_rows('int_documents_versioned', ['customer_id', 'document_id']) }}
),

customers as (
    select * from {{ ref('int_customers_deduped') }}
),

restated_currencies as (
    select * from {{ ref('int_customer_currencies_touched') }}
),

changed_rates as (
    {{ changed_rows(
        'int_fx_rates_spanned', ['currency_code', 'valid_from_date', 'valid_to_date', 'fx_rate']
    ) }}
),

documents as (
    select
        customer_id,
        document_id
    from changed_documents
    group by customer_id, document_id
),

-- Where nothing else says their currency, that of all of a customer's documents does.
customers_of_documents as (
    select documents.customer_id
    from documents
    left join customers
        on documents.customer_id = customers.customer_id
    where customers.currency_code is null
),

-- A rate that only ceases earlier or later, as each does when the next is told, is another from the
-- earlier of the two days on.
rates_changed as (
    select
        case
            when min(_change) <> max(_change) and min(fx_rate) = max(fx_rate)
                then min(valid_to_date)
            else valid_from_date
        end as changed_from_date
    from changed_rates
    group by currency_code, valid_from_date
),

first_changed_rate as (
    select min(changed_from_date) as changed_from_date
    from rates_changed
    having count(*) > 0
),

touched as (
    select customer_id from contact_days
    union all
    select promise_contacts.customer_id
    from promise_contacts
    inner join documents
        on
            promise_contacts.customer_id = documents.customer_id
            and promise_contacts.document_id = documents.document_id
    union all
    select customer_id from customers_of_documents
    union all
    select customer_id from restated_currencies
    union all
    select promise_contacts.customer_id
    from promise_contacts
    inner join first_changed_rate
        on promise_contacts.contact_date >= first_changed_rate.changed_from_date
),

final as (
    select customer_id
    from touched
    group by customer_id
)

select * from final
