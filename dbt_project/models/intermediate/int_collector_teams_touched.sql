-- Grain: one row per collector that is said to be in another team since the build before.
with {{ keys_restated_since('stg_lake__collectors', ['collector_id'], 'team_id') }}

select * from final
