-- Grain: one row per company, document, installment and interval of knowledge in which it stood.
-- When the journal is refreshed, only the documents that its touched events are or name.
{{ config(materialized='view') }}
{%- set reread = ref('int_documents_reread') %}
{%- set versioned = ref('int_documents_versioned') %}

with documents as (
    select * from {{ reread if is_journal_refreshed() else versioned }}
    where
        valid_from < valid_to
        and not is_withdrawn
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
)

select * from final
