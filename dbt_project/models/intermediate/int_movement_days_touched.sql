-- Grain: one row per company, currency and effective date whose movements changed since the build
-- before.
with changed_movements as (
    {{ changed_rows('receivable_movements', ['company_code', 'currency_code', 'effective_date']) }}
),

final as (
    select
        company_code,
        currency_code,
        effective_date
    from changed_movements
    group by company_code, currency_code, effective_date
)

select * from final
