-- Grain: one row per company, item_type and document_id of items that may have changed since the
-- build before: the document or payment did, or whether cash of the payment waits.
with changed_documents as (
    {{ changed_rows('int_documents_versioned', ['company_code', 'document_id']) }}
),

changed_payments as (
    {{ changed_rows('int_payments_versioned', ['company_code', 'payment_id']) }}
),

changed_movements as (
    {{ changed_rows('receivable_movements', ['company_code', 'item_type', 'document_id']) }}
),

final as (
    select
        company_code,
        'document' as item_type,
        document_id
    from changed_documents
    union
    select
        company_code,
        'payment' as item_type,
        payment_id as document_id
    from changed_payments
    union
    select
        company_code,
        item_type,
        document_id
    from changed_movements
    where item_type = 'payment'
)

select * from final
