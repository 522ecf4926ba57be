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
    select {{ document_columns() | join(', ') }}
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
