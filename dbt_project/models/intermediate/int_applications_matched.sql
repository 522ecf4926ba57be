-- Grain: one row per event, piece and interval of knowledge: a payment line, its discount, or a
-- memo, write-off, recovery or adjustment, with the document that it finds in that interval, if
-- any. Amounts that reduce a receivable are positive. When the journal is refreshed, only what is
-- touched.
{{ config(materialized='view') }}

with documents as (
    select * from {{ ref('int_documents_followed') }}
),

payment_lines as (
    select * from {{ ref('int_payment_lines_resolved') }}
),

discounted_lines as (
    select * from {{ ref('int_payment_lines_resolved') }}
    where discount_amount_document <> 0
),

targets as (
    select * from {{ ref('int_targets_versioned') }}
),

events as (
    select
        'payments' as source_type,
        company_code,
        source_id,
        source_line_no,
        piece_no,
        case when is_reversal then 'payment_reversal' else 'payment' end as event_type,
        'payment' as item_type,
        item_payment_id as item_document_id,
        item_line_no as item_installment_no,
        customer_id,
        payment_date as own_date,
        earliest_date,
        currency_code,
        amount_document,
        cast(null as decimal(18, 2)) as booked_amount,
        target_document_id,
        named_installment_no,
        is_reversed_payment_known,
        valid_from,
        valid_to,
        _load_id
    from payment_lines
    union all
    select
        'payments' as source_type,
        company_code,
        source_id,
        source_line_no,
        piece_no,
        'discount' as event_type,
        'payment' as item_type,
        item_payment_id as item_document_id,
        item_line_no as item_installment_no,
        customer_id,
        payment_date as own_date,
        earliest_date,
        currency_code,
        discount_amount_document as amount_document,
        cast(null as decimal(18, 2)) as booked_amount,
        target_document_id,
        named_installment_no,
        is_reversed_payment_known,
        valid_from,
        valid_to,
        _load_id
    from discounted_lines
    union all
    select
        'ledger' as source_type,
        company_code,
        document_id as source_id,
        installment_no as source_line_no,
        0 as piece_no,
        document_type as event_type,
        'document' as item_type,
        document_id as item_document_id,
        installment_no as item_installment_no,
        customer_id,
        document_date as own_date,
        document_date as earliest_date,
        currency_code,
        case
            when document_type = 'adjustment' then -amount_document
            else amount_document
        end as amount_document,
        case when document_type = 'adjustment' then -amount else amount end as booked_amount,
        nullif(applies_to_document_id, document_id) as target_document_id,
        cast(null as integer) as named_installment_no,
        true as is_reversed_payment_known,
        valid_from,
        valid_to,
        _load_id
    from documents
    where document_type in ('credit_memo', 'write_off', 'recovery', 'adjustment')
),

met as (
    select
        events.*,
        targets.document_id is null as is_target_unknown,
        targets.installment_count,
        targets.only_installment_no,
        targets.customer_id as target_customer_id,
        targets.document_date as target_document_date,
        targets.booked_amount_document as target_booked_amount_document,
        targets.booked_amount as target_booked_amount,
        targets.valid_from as target_valid_from,
        targets.valid_to as target_valid_to,
        targets.answers_from as target_answers_from,
        targets.answers_to as target_answers_to,
        targets._load_id as target_load_id
    from events
    left join targets
        on
            events.company_code = targets.company_code
            and events.target_document_id = targets.document_id
            and events.currency_code = targets.currency_code
            and events.valid_from < targets.answers_to
            and events.valid_to > targets.answers_from
),

found as (
    select
        *,
        not is_target_unknown as is_matched,
        greatest(valid_from, coalesce(target_valid_from, valid_from)) as seen_from,
        least(valid_to, coalesce(target_valid_to, valid_to)) as seen_to,
        case
            when target_valid_from > valid_from then target_load_id
            else _load_id
        end as seen_by_load_id
    from met
    where
        is_target_unknown
        or (valid_from < target_valid_to and valid_to > target_valid_from)
    union all
    select
        *,
        false as is_matched,
        greatest(valid_from, target_answers_from) as seen_from,
        least(valid_to, target_valid_from) as seen_to,
        case
            when target_answers_from > valid_from then target_load_id
            else _load_id
        end as seen_by_load_id
    from met
    where
        valid_from < target_valid_from
        and target_answers_from < target_valid_from
    union all
    select
        *,
        false as is_matched,
        greatest(valid_from, target_valid_to) as seen_from,
        least(valid_to, target_answers_to) as seen_to,
        case
            when target_valid_to > valid_from then target_load_id
            else _load_id
        end as seen_by_load_id
    from met
    where
        valid_to > target_valid_to
        and target_valid_to < target_answers_to
),

final as (
    select
        company_code,
        source_type,
        source_id,
        source_line_no,
        piece_no,
        event_type,
        seen_from as valid_from,
        seen_to as valid_to,
        item_type,
        item_document_id,
        item_installment_no,
        customer_id,
        own_date,
        earliest_date,
        case
            when is_matched then greatest(earliest_date, target_document_date)
            else earliest_date
        end as effective_date,
        currency_code,
        amount_document,
        booked_amount,
        is_matched,
        target_document_id,
        case when is_matched then target_customer_id end as target_customer_id,
        case when is_matched then installment_count end as installment_count,
        case when is_matched then only_installment_no end as only_installment_no,
        named_installment_no,
        case when is_matched then target_document_date end as target_document_date,
        case when is_matched then target_booked_amount_document end
            as target_booked_amount_document,
        case when is_matched then target_booked_amount end as target_booked_amount,
        is_reversed_payment_known,
        seen_by_load_id as _load_id
    from found
)

select * from final
