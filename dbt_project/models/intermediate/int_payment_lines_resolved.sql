-- Grain: one row per company, payment line, piece and interval of knowledge. A line that is no
-- reversal is one piece. A reversal is set against what it takes back: the document it names, or
-- the lines of the reversed payment from the last one back, in the order of the reversals. What
-- finds nothing to take back stays on the reversal's own item. Amounts that reduce a receivable
-- are positive.
{{ config(materialized='view') }}

with payments as (
    select * from {{ ref('int_payments_followed') }}
    where reverses_payment_id is null
),

reversing_payments as (
    select * from {{ ref('int_payments_followed') }}
    where reverses_payment_id is not null
),

reversible_payments as (
    select * from {{ ref('int_payments_followed') }}
    where reverses_payment_id is null
),

ordinary_lines as (
    select
        company_code,
        payment_id as source_id,
        line_no as source_line_no,
        0 as piece_no,
        payment_id as item_payment_id,
        line_no as item_line_no,
        customer_id,
        payment_date,
        greatest(payment_date, coalesce(application_date, payment_date)) as earliest_date,
        currency_code,
        amount_document,
        discount_amount_document,
        document_id as target_document_id,
        installment_no as named_installment_no,
        false as is_reversal,
        true as is_reversed_payment_known,
        valid_from,
        valid_to,
        _load_id
    from payments
),

reversals as (
    select
        company_code,
        payment_id,
        line_no,
        reverses_payment_id,
        customer_id,
        payment_date,
        currency_code,
        abs(amount_document) as reversed_amount_document,
        abs(discount_amount_document) as reversed_discount_amount_document,
        document_id,
        installment_no,
        valid_from,
        valid_to,
        _load_id
    from reversing_payments
),

reversed_payments as (
    select
        company_code,
        reverses_payment_id,
        currency_code
    from reversals
    group by company_code, reverses_payment_id, currency_code
),

reversed_lines as (
    select
        reversible_payments.company_code,
        reversible_payments.payment_id,
        reversible_payments.line_no,
        reversible_payments.currency_code,
        reversible_payments.customer_id,
        reversible_payments.document_id,
        reversible_payments.installment_no,
        abs(reversible_payments.amount_document) as line_amount_document,
        greatest(
            reversible_payments.payment_date,
            coalesce(reversible_payments.application_date, reversible_payments.payment_date)
        ) as earliest_date,
        reversible_payments.valid_from,
        reversible_payments.valid_to
    from reversible_payments
    inner join reversed_payments
        on
            reversible_payments.company_code = reversed_payments.company_code
            and reversible_payments.payment_id = reversed_payments.reverses_payment_id
            and reversible_payments.currency_code = reversed_payments.currency_code
),

instants as (
    select
        company_code,
        payment_id,
        currency_code,
        valid_from as instant_at
    from reversed_lines
    union
    select
        company_code,
        payment_id,
        currency_code,
        valid_to as instant_at
    from reversed_lines
    union
    select
        company_code,
        reverses_payment_id,
        currency_code,
        valid_from
    from reversals
    union
    select
        company_code,
        reverses_payment_id,
        currency_code,
        valid_to
    from reversals
),

epochs as (
    select
        company_code,
        payment_id,
        currency_code,
        instant_at as epoch_from,
        lead(instant_at) over (
            partition by company_code, payment_id, currency_code order by instant_at
        ) as epoch_to
    from instants
),

lines_by_epoch as (
    select
        epochs.epoch_from,
        reversed_lines.company_code,
        reversed_lines.payment_id,
        reversed_lines.line_no,
        reversed_lines.currency_code,
        reversed_lines.customer_id,
        reversed_lines.document_id,
        reversed_lines.installment_no,
        reversed_lines.line_amount_document,
        reversed_lines.earliest_date,
        sum(reversed_lines.line_amount_document) over (
            partition by
                reversed_lines.company_code,
                reversed_lines.payment_id,
                reversed_lines.currency_code,
                epochs.epoch_from
            order by reversed_lines.line_no desc
            rows between unbounded preceding and current row
        ) as stacked_amount_document
    from epochs
    inner join reversed_lines
        on
            epochs.company_code = reversed_lines.company_code
            and epochs.payment_id = reversed_lines.payment_id
            and epochs.currency_code = reversed_lines.currency_code
            and epochs.epoch_from >= reversed_lines.valid_from
            and epochs.epoch_from < reversed_lines.valid_to
),

payments_by_epoch as (
    select
        company_code,
        payment_id,
        currency_code,
        epoch_from,
        sum(line_amount_document) as total_amount_document
    from lines_by_epoch
    group by company_code, payment_id, currency_code, epoch_from
),

reversals_by_epoch as (
    select
        reversals.*,
        epochs.epoch_from,
        epochs.epoch_to
    from reversals
    inner join epochs
        on
            reversals.company_code = epochs.company_code
            and reversals.reverses_payment_id = epochs.payment_id
            and reversals.currency_code = epochs.currency_code
            and reversals.valid_from <= epochs.epoch_from
            and reversals.valid_to > epochs.epoch_from
),

-- A reversal that names its document.
named_candidates as (
    select
        reversals_by_epoch.*,
        lines_by_epoch.line_no as reversed_line_no,
        lines_by_epoch.customer_id as reversed_customer_id,
        lines_by_epoch.earliest_date as reversed_earliest_date,
        case
            when lines_by_epoch.document_id = reversals_by_epoch.document_id
                then lines_by_epoch.installment_no
        end as reversed_installment_no,
        row_number() over (
            partition by
                reversals_by_epoch.company_code,
                reversals_by_epoch.payment_id,
                reversals_by_epoch.line_no,
                reversals_by_epoch.epoch_from
            order by
                case
                    when lines_by_epoch.document_id = reversals_by_epoch.document_id then 0
                    else 1
                end,
                lines_by_epoch.line_no desc nulls last
        ) as candidate_rank
    from reversals_by_epoch
    left join lines_by_epoch
        on
            reversals_by_epoch.company_code = lines_by_epoch.company_code
            and reversals_by_epoch.reverses_payment_id = lines_by_epoch.payment_id
            and reversals_by_epoch.currency_code = lines_by_epoch.currency_code
            and reversals_by_epoch.epoch_from = lines_by_epoch.epoch_from
    where reversals_by_epoch.document_id is not null
),

named_pieces as (
    select
        company_code,
        payment_id as source_id,
        line_no as source_line_no,
        coalesce(reversed_line_no + 1, 0) as piece_no,
        case
            when reversed_line_no is not null then reverses_payment_id
            else payment_id
        end as item_payment_id,
        coalesce(reversed_line_no, line_no) as item_line_no,
        coalesce(reversed_customer_id, customer_id) as customer_id,
        payment_date,
        greatest(payment_date, coalesce(reversed_earliest_date, payment_date)) as earliest_date,
        currency_code,
        -reversed_amount_document as amount_document,
        -reversed_discount_amount_document as discount_amount_document,
        document_id as target_document_id,
        coalesce(installment_no, reversed_installment_no) as named_installment_no,
        true as is_reversal,
        reversed_line_no is not null as is_reversed_payment_known,
        epoch_from as valid_from,
        epoch_to as valid_to,
        _load_id
    from named_candidates
    where candidate_rank = 1
),

-- Reversals that name none, one after the other against the stack of lines.
stacked_reversals as (
    select
        reversals_by_epoch.*,
        coalesce(payments_by_epoch.total_amount_document, 0) as total_amount_document,
        sum(reversals_by_epoch.reversed_amount_document) over (
            partition by
                reversals_by_epoch.company_code,
                reversals_by_epoch.reverses_payment_id,
                reversals_by_epoch.currency_code,
                reversals_by_epoch.epoch_from
            order by
                reversals_by_epoch.payment_date,
                reversals_by_epoch.payment_id,
                reversals_by_epoch.line_no
            rows between unbounded preceding and current row
        ) as running_amount_document
    from reversals_by_epoch
    left join payments_by_epoch
        on
            reversals_by_epoch.company_code = payments_by_epoch.company_code
            and reversals_by_epoch.reverses_payment_id = payments_by_epoch.payment_id
            and reversals_by_epoch.currency_code = payments_by_epoch.currency_code
            and reversals_by_epoch.epoch_from = payments_by_epoch.epoch_from
    where reversals_by_epoch.document_id is null
),

reversed_pieces as (
    select
        stacked_reversals.company_code,
        stacked_reversals.payment_id,
        stacked_reversals.line_no,
        stacked_reversals.reverses_payment_id,
        stacked_reversals.payment_date,
        stacked_reversals.currency_code,
        stacked_reversals.reversed_discount_amount_document,
        stacked_reversals.epoch_from,
        stacked_reversals.epoch_to,
        stacked_reversals._load_id,
        lines_by_epoch.line_no as reversed_line_no,
        lines_by_epoch.customer_id,
        lines_by_epoch.document_id,
        coalesce(
            stacked_reversals.installment_no, lines_by_epoch.installment_no
        ) as installment_no,
        lines_by_epoch.earliest_date as reversed_earliest_date,
        least(
            stacked_reversals.running_amount_document, lines_by_epoch.stacked_amount_document
        )
        - greatest(
            stacked_reversals.running_amount_document - stacked_reversals.reversed_amount_document,
            lines_by_epoch.stacked_amount_document - lines_by_epoch.line_amount_document
        ) as piece_amount_document
    from stacked_reversals
    inner join lines_by_epoch
        on
            stacked_reversals.company_code = lines_by_epoch.company_code
            and stacked_reversals.reverses_payment_id = lines_by_epoch.payment_id
            and stacked_reversals.currency_code = lines_by_epoch.currency_code
            and stacked_reversals.epoch_from = lines_by_epoch.epoch_from
),

ranked_pieces as (
    select
        *,
        row_number() over (
            partition by company_code, payment_id, line_no, epoch_from
            order by reversed_line_no desc
        ) as piece_rank
    from reversed_pieces
    where piece_amount_document > 0
),

stacked_pieces as (
    select
        company_code,
        payment_id as source_id,
        line_no as source_line_no,
        reversed_line_no + 1 as piece_no,
        reverses_payment_id as item_payment_id,
        reversed_line_no as item_line_no,
        customer_id,
        payment_date,
        greatest(payment_date, reversed_earliest_date) as earliest_date,
        currency_code,
        cast(-piece_amount_document as decimal(18, 2)) as amount_document,
        case
            when piece_rank = 1 then -reversed_discount_amount_document
        end as discount_amount_document,
        document_id as target_document_id,
        installment_no as named_installment_no,
        true as is_reversal,
        true as is_reversed_payment_known,
        epoch_from as valid_from,
        epoch_to as valid_to,
        _load_id
    from ranked_pieces
),

unmatched_rests as (
    select
        company_code,
        payment_id as source_id,
        line_no as source_line_no,
        0 as piece_no,
        payment_id as item_payment_id,
        line_no as item_line_no,
        customer_id,
        payment_date,
        payment_date as earliest_date,
        currency_code,
        cast(
            -least(reversed_amount_document, running_amount_document - total_amount_document)
            as decimal(18, 2)
        ) as amount_document,
        cast(null as decimal(18, 2)) as discount_amount_document,
        cast(null as varchar) as target_document_id,
        cast(null as integer) as named_installment_no,
        true as is_reversal,
        false as is_reversed_payment_known,
        epoch_from as valid_from,
        epoch_to as valid_to,
        _load_id
    from stacked_reversals
    where running_amount_document > total_amount_document
),

final as (
    select * from ordinary_lines
    union all
    select * from named_pieces
    union all
    select * from stacked_pieces
    union all
    select * from unmatched_rests
)

select * from final
