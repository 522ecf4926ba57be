-- Grain: one row per company, payment, line and interval of knowledge in which it stood. When the
-- journal is refreshed, only the touched payments.
{{ config(materialized='view') }}
{%- set reread = ref('int_payments_reread') %}
{%- set versioned = ref('int_payments_versioned') %}

with payments as (
    select * from {{ reread if is_journal_refreshed() else versioned }}
    where
        valid_from < valid_to
        and not is_withdrawn
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
)

select * from final
