-- Grain: one row per company, payment, line and interval of knowledge in which it stood. When the
-- journal is refreshed, only the touched payments.
{{ config(materialized='view') }}
{%- set touched = ref('int_applications_touched') %}

with payments as (
    select * from {{ ref('int_payments_versioned') }}
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
    {%- if is_journal_refreshed() %}
        where exists (
            select 1
            from {{ touched }} as touched
            where
                touched.source_type = 'payments'
                and touched.company_code = payments.company_code
                and touched.source_id = payments.payment_id
        )
    {%- endif %}
)

select * from final
