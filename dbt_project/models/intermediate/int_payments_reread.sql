-- Grain: one row per row of int_payments_versioned that a refresh of the journal reads again; none
-- when the journal is built whole.
with payments as (
    select * from {{ ref('int_payments_versioned') }}
),

touched as (
    select
        company_code,
        source_id as payment_id
    from {{ ref('int_applications_touched') }}
    where source_type = 'payments'
),

final as (
    select
        company_code,
        payment_id,
        line_no,
        valid_from,
        valid_to,
        customer_id,
        payment_date,
        currency_code,
        amount_document,
        document_id,
        installment_no,
        application_date,
        discount_amount_document,
        payment_method,
        reverses_payment_id,
        is_withdrawn,
        is_current,
        _load_id,
        _load_sequence,
        _row_number
    from payments
    where
        {{ 'true' if is_journal_refreshed() else 'false' }}
        and (company_code, payment_id) in (
            select
                touched.company_code,
                touched.payment_id
            from touched
        )
)

select * from final
