-- Grain: one row per customer and document of which a contact, cash, a balance or a promise changed
-- since the build before. Empty when the warehouse is built from nothing.
with contact_days as (
    select * from {{ ref('int_contact_days_touched') }}
),

spans as (
    select * from {{ ref('receivables_by_span') }}
    where item_type = 'document'
),

changed_spans as (
    {{ changed_rows('receivables_by_span', ['customer_id', 'document_id', 'item_type']) }}
),

cash as (
    select * from {{ ref('cash_applications') }}
),

changed_cash as (
    {{ changed_rows('cash_applications', ['customer_id', 'document_id']) }}
),

changed_promises as (
    {{ changed_rows('int_promises_judged', ['customer_id', 'document_id']) }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

-- A contact that names no document is about all that its customer owes.
customers_contacted as (
    select customer_id
    from contact_days
    where document_id is null
    group by customer_id
),

touched as (
    select
        customer_id,
        document_id
    from contact_days
    where document_id is not null
    union all
    select
        spans.customer_id,
        spans.document_id
    from spans
    inner join customers_contacted
        on spans.customer_id = customers_contacted.customer_id
    union all
    select
        customer_id,
        document_id
    from changed_spans
    where item_type = 'document'
    union all
    select
        customer_id,
        document_id
    from changed_cash
    union all
    select
        customer_id,
        document_id
    from changed_promises
    where document_id is not null
    union all
    select
        cash.customer_id,
        cash.document_id
    from cash
    cross join run_parameters
    where
        cash.effective_date > run_parameters.previous_as_of_date
        and cash.effective_date <= run_parameters.as_of_date
),

final as (
    select
        customer_id,
        document_id
    from touched
    group by customer_id, document_id
)

select * from final
