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
    select {{ payment_columns() | join(', ') }}
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
