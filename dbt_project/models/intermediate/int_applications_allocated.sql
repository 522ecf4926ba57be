-- Grain: one row per event, piece, installment and interval of knowledge, for documents of several
-- installments. What names an installment goes to it. The rest fills first in, first out by due
-- date what the named ones leave; what exceeds the document goes to the last installment, what
-- falls below nothing to the first. A recovery moves nothing between installments: the last one
-- carries it. When the journal is refreshed, only what is touched.
with documents as (
    select * from {{ ref('int_documents_followed') }}
    where
        document_type in ('invoice', 'debit_memo', 'opening_balance')
        or (document_type = 'adjustment' and applies_to_document_id is null)
),

applications as (
    select
        company_code,
        target_document_id as document_id,
        currency_code,
        source_type,
        source_id,
        source_line_no,
        piece_no,
        event_type,
        effective_date,
        amount_document,
        named_installment_no,
        valid_from,
        valid_to
    from {{ ref('int_applications_matched') }}
    where
        is_matched
        and installment_count > 1
        and amount_document <> 0
),

targets as (
    select
        company_code,
        document_id,
        currency_code
    from applications
    group by company_code, document_id, currency_code
),

installments as (
    select
        documents.company_code,
        documents.document_id,
        documents.currency_code,
        documents.installment_no,
        documents.customer_id,
        documents.due_date,
        documents.amount_document,
        documents.amount as booked_amount,
        documents.valid_from,
        documents.valid_to
    from documents
    inner join targets
        on
            documents.company_code = targets.company_code
            and documents.document_id = targets.document_id
            and documents.currency_code = targets.currency_code
),

instants as (
    select
        company_code,
        document_id,
        currency_code,
        valid_from as instant_at
    from applications
    union
    select
        company_code,
        document_id,
        currency_code,
        valid_to as instant_at
    from applications
    union
    select
        company_code,
        document_id,
        currency_code,
        valid_from as instant_at
    from installments
    union
    select
        company_code,
        document_id,
        currency_code,
        valid_to as instant_at
    from installments
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

installments_by_epoch as (
    select
        installments.*,
        epochs.epoch_from
    from epochs
    inner join installments
        on
            epochs.company_code = installments.company_code
            and epochs.document_id = installments.document_id
            and epochs.currency_code = installments.currency_code
            and epochs.epoch_from >= installments.valid_from
            and epochs.epoch_from < installments.valid_to
),

ranked_installments as (
    select
        *,
        row_number() over (
            partition by company_code, document_id, currency_code, epoch_from
            order by due_date desc, installment_no desc
        ) as rank_from_last,
        row_number() over (
            partition by company_code, document_id, currency_code, epoch_from
            order by due_date asc, installment_no asc
        ) as rank_from_first
    from installments_by_epoch
),

applications_by_epoch as (
    select
        applications.*,
        epochs.epoch_from,
        epochs.epoch_to,
        case
            when applications.event_type = 'recovery' then last_installments.installment_no
            else named_installments.installment_no
        end as placed_installment_no
    from epochs
    inner join applications
        on
            epochs.company_code = applications.company_code
            and epochs.document_id = applications.document_id
            and epochs.currency_code = applications.currency_code
            and epochs.epoch_from >= applications.valid_from
            and epochs.epoch_from < applications.valid_to
    left join ranked_installments as named_installments
        on
            epochs.company_code = named_installments.company_code
            and epochs.document_id = named_installments.document_id
            and epochs.currency_code = named_installments.currency_code
            and epochs.epoch_from = named_installments.epoch_from
            and applications.named_installment_no = named_installments.installment_no
    left join ranked_installments as last_installments
        on
            epochs.company_code = last_installments.company_code
            and epochs.document_id = last_installments.document_id
            and epochs.currency_code = last_installments.currency_code
            and epochs.epoch_from = last_installments.epoch_from
            and last_installments.rank_from_last = 1
),

placed_amounts as (
    select
        company_code,
        document_id,
        currency_code,
        epoch_from,
        placed_installment_no,
        sum(amount_document) as placed_amount_document
    from applications_by_epoch
    where
        placed_installment_no is not null
        and event_type <> 'recovery'
    group by company_code, document_id, currency_code, epoch_from, placed_installment_no
),

capacities as (
    select
        ranked_installments.*,
        greatest(
            ranked_installments.amount_document
            - coalesce(placed_amounts.placed_amount_document, 0),
            0
        ) as capacity_document
    from ranked_installments
    left join placed_amounts
        on
            ranked_installments.company_code = placed_amounts.company_code
            and ranked_installments.document_id = placed_amounts.document_id
            and ranked_installments.currency_code = placed_amounts.currency_code
            and ranked_installments.epoch_from = placed_amounts.epoch_from
            and ranked_installments.installment_no = placed_amounts.placed_installment_no
),

stacked_capacities as (
    select
        *,
        sum(capacity_document) over (
            partition by company_code, document_id, currency_code, epoch_from
            order by rank_from_first
            rows between unbounded preceding and current row
        ) as upper_document
    from capacities
),

ordered_applications as (
    select
        *,
        sum(amount_document) over (
            partition by company_code, document_id, currency_code, epoch_from
            order by
                effective_date asc,
                case when amount_document > 0 then 0 else 1 end,
                source_type asc,
                source_id asc,
                source_line_no asc,
                case when event_type = 'discount' then 1 else 0 end,
                piece_no desc
            rows between unbounded preceding and current row
        ) as running_document
    from applications_by_epoch
    where placed_installment_no is null
),

fillings as (
    select
        ordered_applications.company_code,
        ordered_applications.document_id,
        ordered_applications.currency_code,
        ordered_applications.source_type,
        ordered_applications.source_id,
        ordered_applications.source_line_no,
        ordered_applications.piece_no,
        ordered_applications.event_type,
        ordered_applications.epoch_from,
        ordered_applications.epoch_to,
        stacked_capacities.installment_no,
        {{ filled_amount('ordered_applications.running_document') }}
        - {{ filled_amount(
            'ordered_applications.running_document - ordered_applications.amount_document'
        ) }} as amount_document
    from ordered_applications
    inner join stacked_capacities
        on
            ordered_applications.company_code = stacked_capacities.company_code
            and ordered_applications.document_id = stacked_capacities.document_id
            and ordered_applications.currency_code = stacked_capacities.currency_code
            and ordered_applications.epoch_from = stacked_capacities.epoch_from
),

shares as (
    select
        company_code,
        document_id,
        currency_code,
        source_type,
        source_id,
        source_line_no,
        piece_no,
        event_type,
        epoch_from,
        epoch_to,
        installment_no,
        amount_document
    from fillings
    where amount_document <> 0
    union all
    select
        company_code,
        document_id,
        currency_code,
        source_type,
        source_id,
        source_line_no,
        piece_no,
        event_type,
        epoch_from,
        epoch_to,
        placed_installment_no as installment_no,
        amount_document
    from applications_by_epoch
    where placed_installment_no is not null
),

final as (
    select
        shares.company_code,
        shares.document_id,
        shares.currency_code,
        shares.source_type,
        shares.source_id,
        shares.source_line_no,
        shares.piece_no,
        shares.event_type,
        shares.epoch_from as valid_from,
        shares.epoch_to as valid_to,
        shares.installment_no,
        installments_by_epoch.customer_id,
        installments_by_epoch.amount_document as booked_amount_document,
        installments_by_epoch.booked_amount,
        cast(shares.amount_document as decimal(18, 2)) as amount_document
    from shares
    inner join installments_by_epoch
        on
            shares.company_code = installments_by_epoch.company_code
            and shares.document_id = installments_by_epoch.document_id
            and shares.currency_code = installments_by_epoch.currency_code
            and shares.epoch_from = installments_by_epoch.epoch_from
            and shares.installment_no = installments_by_epoch.installment_no
)

select * from final
