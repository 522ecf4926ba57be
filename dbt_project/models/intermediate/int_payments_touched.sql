-- Grain: one row per company and payment whose versions may have changed since the build before:
-- new loads tell of it, leave it out, or had its row quarantined.
with delivered as (
    select * from {{ ref('stg_lake__payments') }}
),

{{ newly_told_rows_of('payments', ['company_code', 'payment_id', 'line_no']) }},

final as (
    select
        company_code,
        payment_id
    from newly_told_rows
    group by company_code, payment_id
)

select * from final
