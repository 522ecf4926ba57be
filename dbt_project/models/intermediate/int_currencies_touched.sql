-- Grain: one row per currency of which loads tell that the build before did not know.
with delivered as (
    select * from {{ ref('stg_lake__fx_rates') }}
),

{{ newly_told_rows_of(
    'fx_rates', ['from_currency_code', 'to_currency_code'], absence_withdraws=false
) }},

final as (
    select from_currency_code as currency_code from newly_told_rows
    union
    select to_currency_code as currency_code from newly_told_rows
)

select * from final
