-- Grain: one row per row of int_documents_versioned that a refresh of the journal reads again; none
-- when the journal is built whole.
with documents as (
    select * from {{ ref('int_documents_versioned') }}
),

touched as (
    select
        company_code,
        source_id as document_id
    from {{ ref('int_applications_touched') }}
    where source_type in ('ledger', 'target')
),

final as (
    select
        company_code,
        document_id,
        installment_no,
        valid_from,
        valid_to,
        customer_id,
        document_type,
        document_date,
        due_date,
        due_date_source,
        currency_code,
        amount_document,
        amount,
        applies_to_document_id,
        has_open_dispute,
        legal_status,
        salesperson_id,
        is_withdrawn,
        is_current,
        _load_id,
        _load_sequence,
        _row_number
    from documents
    where
        {{ 'true' if is_journal_refreshed() else 'false' }}
        and (company_code, document_id) in (
            select
                touched.company_code,
                touched.document_id
            from touched
        )
)

select * from final
