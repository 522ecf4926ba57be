-- Grain: one row per movement that sets cash against a document or takes it back, as known now.
-- A reversal is dated by the payment that it takes back, so that it takes back the days as well.
{{ config(**replaces_touched(
    by='int_cash_applications_touched',
    keys=['company_code', 'payment_id'],
    row_key=[
        'company_code', 'payment_id', 'line_no', 'piece_no', 'document_id', 'installment_no',
        'is_reversed_cash'
    ]
)) }}

with movements as (
    select * from {{ ref('receivable_movements') }}
    where
        is_current
        and item_type = 'document'
        and movement_type in ('payment', 'application', 'payment_reversal')
        and {{ touched_only(
            'receivable_movements',
            'int_cash_applications_touched',
            ['company_code', 'payment_id'],
            {'payment_id': 'receivable_movements.source_id'}
        ) }}
),

items as (
    select * from {{ ref('receivable_items') }}
    where
        is_current
        and item_type = 'document'
),

payments as (
    select * from {{ ref('int_payments_versioned') }}
    where
        is_current
        and not is_withdrawn
),

reversed_payments as (
    select
        company_code,
        reverses_payment_id
    from payments
    where reverses_payment_id is not null
    group by company_code, reverses_payment_id
),

payment_dates as (
    select
        payments.company_code,
        payments.payment_id,
        min(payments.payment_date) as payment_date
    from payments
    inner join reversed_payments
        on
            payments.company_code = reversed_payments.company_code
            and payments.payment_id = reversed_payments.reverses_payment_id
    group by payments.company_code, payments.payment_id
),

reversals as (
    select
        payments.company_code,
        payments.payment_id,
        payments.line_no,
        payments.reverses_payment_id,
        payment_dates.payment_date as reversed_payment_date
    from payments
    left join payment_dates
        on
            payments.company_code = payment_dates.company_code
            and payments.reverses_payment_id = payment_dates.payment_id
    where payments.reverses_payment_id is not null
),

dated as (
    select
        movements.company_code,
        movements.source_id as payment_id,
        movements.source_line_no as line_no,
        movements.piece_no,
        coalesce(reversals.reverses_payment_id, movements.source_id) as original_payment_id,
        movements.document_id,
        movements.installment_no,
        movements.customer_id,
        payments.customer_id as payer_customer_id,
        movements.effective_date,
        coalesce(reversals.reversed_payment_date, payments.payment_date) as payment_date,
        items.document_date,
        items.due_date,
        movements.currency_code,
        -movements.amount_document as amount_document,
        -movements.amount as amount,
        movements.rate_status,
        movements.movement_type = 'payment_reversal' as is_reversed_cash,
        payments.payment_method,
        movements._load_id
    from movements
    inner join payments
        on
            movements.company_code = payments.company_code
            and movements.source_id = payments.payment_id
            and movements.source_line_no = payments.line_no
    inner join items
        on
            movements.company_code = items.company_code
            and movements.document_id = items.document_id
            and movements.installment_no = items.installment_no
    left join reversals
        on
            movements.company_code = reversals.company_code
            and movements.source_id = reversals.payment_id
            and movements.source_line_no = reversals.line_no
),

final as (
    select
        company_code,
        payment_id,
        line_no,
        piece_no,
        original_payment_id,
        document_id,
        installment_no,
        customer_id,
        payer_customer_id,
        effective_date,
        payment_date,
        document_date,
        due_date,
        {{ days_between('document_date', 'payment_date') }} as days_from_document_date,
        {{ days_between('due_date', 'payment_date') }} as days_from_due_date,
        currency_code,
        cast(amount_document as decimal(18, 2)) as amount_document,
        cast(amount as decimal(18, 2)) as amount,
        rate_status,
        is_reversed_cash,
        payment_method,
        _load_id
    from dated
)

select * from final
