-- Grain: one row per collector that deliveries since the build before speak of.
with {{ keys_delivered_since('stg_lake__collectors', 'collectors', ['collector_id']) }}

select * from final
