-- Grain: one row per customer whose ownership deliveries since the build before may change.
with {{ keys_delivered_since('stg_lake__portfolios', 'portfolios', ['customer_id']) }}

select * from final
