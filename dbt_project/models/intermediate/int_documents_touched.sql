-- Grain: one row per company and document whose versions may have changed since the build before:
-- new loads tell of it, leave it out, or had its row quarantined; or it falls due by the terms of
-- its customer, and these changed.
with delivered as (
    select * from {{ ref('stg_lake__documents') }}
),

changed_terms as (
    {{ changed_rows('int_customer_terms_versioned', ['customer_id']) }}
),

{{ newly_told_rows_of('ledger', ['company_code', 'document_id', 'installment_no']) }},

changed_customers as (
    select customer_id from changed_terms
    group by customer_id
),

all_touched as (
    select
        company_code,
        document_id
    from newly_told_rows
    union all
    select
        delivered.company_code,
        delivered.document_id
    from delivered
    inner join changed_customers
        on delivered.customer_id = changed_customers.customer_id
    where
        delivered.due_date is null
        and delivered.payment_terms_days is null
),

final as (
    select
        company_code,
        document_id
    from all_touched
    group by company_code, document_id
)

select * from final
