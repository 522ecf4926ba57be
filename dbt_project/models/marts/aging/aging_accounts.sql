-- Grain: one row per company, customer and currency that have or had a balance.
with balances as (
    select * from {{ ref('receivables_by_span') }}
),

final as (
    select
        {{ account_number('company_code', 'customer_id', 'currency_code') }} as account_no,
        company_code,
        customer_id,
        currency_code
    from balances
    group by company_code, customer_id, currency_code
)

select * from final
