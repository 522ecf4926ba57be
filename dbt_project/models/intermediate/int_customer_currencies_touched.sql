-- Grain: one row per customer whose currency is said to be another one since the build before.
with {{ keys_restated_since('stg_lake__customers', ['customer_id'], 'currency_code') }}

select * from final
