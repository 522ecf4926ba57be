-- Grain: one row per company, document, currency and interval of knowledge in which an event that
-- names the document finds it: so many installments, of which the one that falls due first speaks
-- for the document. `answers_from` and `answers_to` add the time before, and after the last one the
-- time after, in which the document is not found.
{{ config(materialized='view') }}

with documents as (
    select * from {{ ref('int_documents_followed') }}
    where
        document_type in ('invoice', 'debit_memo', 'opening_balance')
        or (document_type = 'adjustment' and applies_to_document_id is null)
),

followed_documents as (
    select * from {{ ref('int_documents_followed') }}
    where
        document_type in ('invoice', 'debit_memo', 'opening_balance')
        or (document_type = 'adjustment' and applies_to_document_id is null)
),

-- Nearly every document is installment 1 and no other, and says the same for ever.
several as (
    select
        company_code,
        document_id
    from {{ ref('int_documents_followed') }}
    where
        installment_no <> 1
        or valid_to < {{ far_future_at() }}
    group by company_code, document_id
),

plain as (
    select
        documents.company_code,
        documents.document_id,
        documents.currency_code,
        documents.valid_from,
        documents.valid_to,
        1 as installment_count,
        documents.installment_no as only_installment_no,
        documents.customer_id,
        documents.document_date,
        documents.amount_document as booked_amount_document,
        documents.amount as booked_amount,
        documents._load_id,
        {{ beginning_at() }} as answers_from,
        {{ far_future_at() }} as answers_to
    from documents
    left join several
        on
            documents.company_code = several.company_code
            and documents.document_id = several.document_id
    where several.document_id is null
),

of_several as (
    select followed_documents.*
    from followed_documents
    inner join several
        on
            followed_documents.company_code = several.company_code
            and followed_documents.document_id = several.document_id
),

instants as (
    select
        company_code,
        document_id,
        currency_code,
        valid_from as instant_at
    from of_several
    union
    select
        company_code,
        document_id,
        currency_code,
        valid_to as instant_at
    from of_several
),

epochs as (
    select
        company_code,
        document_id,
        currency_code,
        instant_at as epoch_from,
        lead(instant_at) over (
            partition by company_code, document_id, currency_code order by instant_at
        ) as epoch_to
    from instants
),

ranked_by_epoch as (
    select
        epochs.epoch_from,
        epochs.epoch_to,
        of_several.*,
        row_number() over (
            partition by
                epochs.company_code, epochs.document_id, epochs.currency_code, epochs.epoch_from
            order by of_several.due_date, of_several.installment_no
        ) as installment_rank,
        count(*) over (
            partition by
                epochs.company_code, epochs.document_id, epochs.currency_code, epochs.epoch_from
        ) as installment_count
    from epochs
    inner join of_several
        on
            epochs.company_code = of_several.company_code
            and epochs.document_id = of_several.document_id
            and epochs.currency_code = of_several.currency_code
            and epochs.epoch_from >= of_several.valid_from
            and epochs.epoch_from < of_several.valid_to
),

-- The installment that falls due first speaks for the document.
first_installments as (
    select
        company_code,
        document_id,
        currency_code,
        epoch_from as valid_from,
        epoch_to as valid_to,
        cast(installment_count as integer) as installment_count,
        installment_no as only_installment_no,
        customer_id,
        document_date,
        amount_document as booked_amount_document,
        amount as booked_amount,
        _load_id
    from ranked_by_epoch
    where installment_rank = 1
),

answering as (
    select
        *,
        lag(valid_to, 1, {{ beginning_at() }}) over (
            partition by company_code, document_id, currency_code order by valid_from
        ) as answers_from,
        case
            when
                lead(valid_from) over (
                    partition by company_code, document_id, currency_code order by valid_from
                ) is null
                then {{ far_future_at() }}
            else valid_to
        end as answers_to
    from first_installments
),

answers as (
    select * from plain
    union all
    select * from answering
),

final as (
    select
        company_code,
        document_id,
        currency_code,
        valid_from,
        valid_to,
        answers_from,
        answers_to,
        installment_count,
        case when installment_count = 1 then only_installment_no end as only_installment_no,
        customer_id,
        document_date,
        booked_amount_document,
        booked_amount,
        _load_id
    from answers
)

select * from final
