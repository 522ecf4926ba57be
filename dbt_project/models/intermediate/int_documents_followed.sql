-- Grain: one row per company, document, installment and interval of knowledge in which it stood.
-- When the journal is refreshed, only the documents that its touched events are or name.
{{ config(materialized='view') }}
{%- set touched = ref('int_applications_touched') %}

with documents as (
    select * from {{ ref('int_documents_versioned') }}
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
    {%- if is_journal_refreshed() %}
        where exists (
            select 1
            from {{ touched }} as touched
            where
                touched.source_type in ('ledger', 'target')
                and touched.company_code = documents.company_code
                and touched.source_id = documents.document_id
        )
    {%- endif %}
)

select * from final
