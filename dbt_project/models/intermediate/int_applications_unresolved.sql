-- Grain: one row per event and piece that, as known now, names a document that is not found,
-- writes off none, or takes back a payment that is not known.
{{ config(**replaces_touched(
    by='int_applications_touched', keys=['source_type', 'company_code', 'source_id']
)) }}

with applications as (
    select * from {{ ref('int_applications_matched') }}
    where
        valid_to = {{ far_future_at() }}
        and event_type <> 'discount'
        and (
            not is_reversed_payment_known
            or (not is_matched and (target_document_id is not null or event_type = 'write_off'))
        )
),

documents as (
    select * from {{ ref('int_documents_followed') }}
    where
        is_current
        and (
            document_type in ('invoice', 'debit_memo', 'opening_balance')
            or (document_type = 'adjustment' and applies_to_document_id is null)
        )
),

touched as (
    select * from applications
    where {{ touched_only(
        'applications',
        'int_applications_touched',
        ['source_type', 'company_code', 'source_id']
    ) }}
),

named_documents as (
    select
        company_code,
        target_document_id as document_id
    from touched
    where target_document_id is not null
    group by company_code, target_document_id
),

found_documents as (
    select
        documents.company_code,
        documents.document_id
    from documents
    inner join named_documents
        on
            documents.company_code = named_documents.company_code
            and documents.document_id = named_documents.document_id
    group by documents.company_code, documents.document_id
),

final as (
    select
        touched.source_type,
        touched.company_code,
        touched.source_id,
        touched.source_line_no,
        touched.piece_no,
        touched.event_type,
        touched.amount_document,
        touched.target_document_id,
        touched.is_matched,
        found_documents.document_id is not null as is_target_of_other_currency,
        touched.is_reversed_payment_known
    from touched
    left join found_documents
        on
            touched.company_code = found_documents.company_code
            and touched.target_document_id = found_documents.document_id
)

select * from final
