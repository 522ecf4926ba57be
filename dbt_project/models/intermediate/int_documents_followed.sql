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
    select {{ document_columns() | join(', ') }}
    from documents
)

select * from final
