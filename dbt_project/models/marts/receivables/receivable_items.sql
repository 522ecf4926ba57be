-- Grain: one row per item and interval of knowledge. An item is what a balance stands on: a
-- document's installment, or the line of a payment while its cash is not applied.
{{ config(**replaces_touched(
    by='int_items_touched',
    keys=['company_code', 'item_type', 'document_id'],
    row_key=['company_code', 'item_type', 'document_id', 'installment_no', '_recorded_at']
)) }}

with all_documents as (
    select
        *,
        'document' as item_type
    from {{ ref('int_documents_versioned') }}
),

documents as (
    select * from all_documents
    where
        valid_from < valid_to
        and not is_withdrawn
        and {{ touched_only(
            'all_documents', 'int_items_touched', ['company_code', 'item_type', 'document_id']
        ) }}
),

all_payments as (
    select
        *,
        'payment' as item_type
    from {{ ref('int_payments_versioned') }}
),

payments as (
    select * from all_payments
    where
        valid_from < valid_to
        and not is_withdrawn
        and {{ touched_only(
            'all_payments',
            'int_items_touched',
            ['company_code', 'item_type', 'document_id'],
            {'document_id': 'all_payments.payment_id'}
        ) }}
),

movements as (
    select * from {{ ref('receivable_movements') }}
    where item_type = 'payment'
),

payment_items as (
    select
        company_code,
        document_id,
        installment_no
    from movements
    where {{ touched_only(
        'movements', 'int_items_touched', ['company_code', 'item_type', 'document_id']
    ) }}
    group by company_code, document_id, installment_no
),

final as (
    select
        company_code,
        item_type,
        document_id,
        installment_no,
        customer_id,
        document_type,
        document_date,
        due_date,
        due_date_source,
        currency_code,
        cast(
            case
                when document_type in ('credit_memo', 'write_off', 'recovery') then -amount_document
                else amount_document
            end
            as decimal(18, 2)
        ) as original_amount_document,
        applies_to_document_id,
        has_open_dispute,
        legal_status,
        salesperson_id,
        _load_id,
        valid_from as _recorded_at,
        valid_to as _superseded_at,
        is_current
    from documents
    union all
    select
        payments.company_code,
        payments.item_type,
        payments.payment_id as document_id,
        payments.line_no as installment_no,
        payments.customer_id,
        'payment' as document_type,
        payments.payment_date as document_date,
        payments.payment_date as due_date,
        'document_date' as due_date_source,
        payments.currency_code,
        cast(-payments.amount_document as decimal(18, 2)) as original_amount_document,
        payments.document_id as applies_to_document_id,
        false as has_open_dispute,
        'none' as legal_status,
        cast(null as varchar) as salesperson_id,
        payments._load_id,
        payments.valid_from as _recorded_at,
        payments.valid_to as _superseded_at,
        payments.is_current
    from payments
    inner join payment_items
        on
            payments.company_code = payment_items.company_code
            and payments.payment_id = payment_items.document_id
            and payments.line_no = payment_items.installment_no
)

select * from final
