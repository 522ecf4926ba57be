-- Grain: one row per item and span of days [open_from, open_to) in which its balance was the same
-- and not zero.
with balances as (
    select * from {{ ref('int_balances_spanned') }}
),

final as (
    select
        company_code,
        item_type,
        document_id,
        installment_no,
        open_from,
        open_to,
        customer_id,
        document_type,
        currency_code,
        document_date,
        due_date,
        open_amount_document,
        open_amount,
        rate_status,
        credit_class_code,
        is_over_applied
    from balances
)

select * from final
