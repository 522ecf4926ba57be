-- Grain: one row per customer of whom loads tell that the build before did not know.
with delivered as (
    select * from {{ ref('stg_lake__customers') }}
),

{{ newly_told_rows_of('customers', ['customer_id'], absence_withdraws=false) }},

final as (
    select customer_id from newly_told_rows
    group by customer_id
)

select * from final
