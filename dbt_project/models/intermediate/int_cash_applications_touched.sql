-- Grain: one row per payment whose cash may be set against documents otherwise since the build
-- before: a movement of it changed, its own lines, those of the payment that it takes back, or the
-- dates of a document that it pays. Empty when the warehouse is built from nothing.
with movements as (
    select * from {{ ref('receivable_movements') }}
    where
        is_current
        and source_type = 'payments'
),

changed_movements as (
    {{ changed_rows('receivable_movements', ['company_code', 'source_type', 'source_id']) }}
),

payments as (
    select * from {{ ref('int_payments_versioned') }}
    where is_current
),

changed_payments as (
    {{ changed_rows('int_payments_versioned', ['company_code', 'payment_id']) }}
),

changed_items as (
    {{ changed_rows(
        'receivable_items',
        [
            'company_code', 'item_type', 'document_id', 'installment_no', 'document_date',
            'due_date', 'is_current'
        ]
    ) }}
),

paying as (
    select
        company_code,
        payment_id
    from changed_payments
    group by company_code, payment_id
),

-- An item that is new brings its movements with it; one whose dates changed need not.
restated_items as (
    select
        company_code,
        document_id,
        installment_no
    from changed_items
    where
        item_type = 'document'
        and is_current
    group by company_code, document_id, installment_no
    having
        count(*) > 1
        and (
            min(document_date) is distinct from max(document_date)
            or min(due_date) is distinct from max(due_date)
        )
),

touched as (
    select
        company_code,
        source_id as payment_id
    from changed_movements
    where source_type = 'payments'
    union all
    select
        company_code,
        payment_id
    from paying
    union all
    select
        payments.company_code,
        payments.payment_id
    from payments
    inner join paying
        on
            payments.company_code = paying.company_code
            and payments.reverses_payment_id = paying.payment_id
    union all
    select
        movements.company_code,
        movements.source_id as payment_id
    from movements
    inner join restated_items
        on
            movements.company_code = restated_items.company_code
            and movements.document_id = restated_items.document_id
            and movements.installment_no = restated_items.installment_no
),

final as (
    select
        company_code,
        payment_id
    from touched
    group by company_code, payment_id
)

select * from final
