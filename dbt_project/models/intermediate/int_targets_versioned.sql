-- Grain: one row per company, document, currency and interval of knowledge, from the beginning of
-- time to its end without a gap. Says what a payment, memo, write-off, recovery or adjustment that
-- names the document finds there: nothing (is_present is false), or so many installments, of which
-- the one that falls due first speaks for the document.
with documents as (
    select * from {{ ref('int_documents_versioned') }}
),

eligible as (
    select
        *,
        count(*) over (
            partition by company_code, document_id, currency_code
        ) as version_count,
        min(installment_no) over (
            partition by company_code, document_id, currency_code
        ) as first_installment_no,
        max(installment_no) over (
            partition by company_code, document_id, currency_code
        ) as last_installment_no
    from documents
    where
        valid_from < valid_to
        and not is_withdrawn
        and (
            document_type in ('invoice', 'debit_memo', 'opening_balance')
            or (document_type = 'adjustment' and applies_to_document_id is null)
        )
),

of_one_installment as (
    select
        company_code,
        document_id,
        currency_code,
        valid_from,
        valid_to,
        1 as installment_count,
        installment_no as only_installment_no,
        customer_id,
        document_date,
        amount_document as booked_amount_document,
        amount as booked_amount,
        _load_id,
        version_count
    from eligible
    where first_installment_no = last_installment_no
),

of_several_installments as (
    select * from eligible
    where first_installment_no < last_installment_no
),

instants as (
    select
        company_code,
        document_id,
        currency_code,
        valid_from as instant_at
    from of_several_installments
    union
    select
        company_code,
        document_id,
        currency_code,
        valid_to as instant_at
    from of_several_installments
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
        of_several_installments.*,
        row_number() over (
            partition by
                epochs.company_code, epochs.document_id, epochs.currency_code, epochs.epoch_from
            order by of_several_installments.due_date, of_several_installments.installment_no
        ) as installment_rank,
        count(*) over (
            partition by
                epochs.company_code, epochs.document_id, epochs.currency_code, epochs.epoch_from
        ) as installment_count
    from epochs
    inner join of_several_installments
        on
            epochs.company_code = of_several_installments.company_code
            and epochs.document_id = of_several_installments.document_id
            and epochs.currency_code = of_several_installments.currency_code
            and epochs.epoch_from >= of_several_installments.valid_from
            and epochs.epoch_from < of_several_installments.valid_to
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
        _load_id,
        version_count
    from ranked_by_epoch
    where installment_rank = 1
),

present as (
    select * from of_one_installment
    union all
    select * from first_installments
),

followed as (
    select
        *,
        lag(valid_to, 1, {{ beginning_at() }}) over (
            partition by company_code, document_id, currency_code order by valid_from
        ) as previous_valid_to,
        lead(valid_from) over (
            partition by company_code, document_id, currency_code order by valid_from
        ) as next_valid_from
    from present
    where version_count > 1
    union all
    select
        *,
        {{ beginning_at() }} as previous_valid_to,
        cast(null as timestamp) as next_valid_from
    from present
    where version_count = 1
),

gaps as (
    select
        company_code,
        document_id,
        currency_code,
        previous_valid_to as valid_from,
        valid_from as valid_to,
        _load_id
    from followed
    where previous_valid_to < valid_from
    union all
    select
        company_code,
        document_id,
        currency_code,
        valid_to as valid_from,
        {{ far_future_at() }} as valid_to,
        _load_id
    from followed
    where
        next_valid_from is null
        and valid_to < {{ far_future_at() }}
),

final as (
    select
        company_code,
        document_id,
        currency_code,
        valid_from,
        valid_to,
        true as is_present,
        installment_count,
        case when installment_count = 1 then only_installment_no end as only_installment_no,
        customer_id,
        document_date,
        booked_amount_document,
        booked_amount,
        _load_id
    from present
    union all
    select
        company_code,
        document_id,
        currency_code,
        valid_from,
        valid_to,
        false as is_present,
        0 as installment_count,
        cast(null as integer) as only_installment_no,
        cast(null as varchar) as customer_id,
        cast(null as date) as document_date,
        cast(null as decimal(18, 2)) as booked_amount_document,
        cast(null as decimal(18, 2)) as booked_amount,
        _load_id
    from gaps
)

select * from final
