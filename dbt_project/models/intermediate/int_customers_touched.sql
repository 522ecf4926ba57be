-- Grain: one row per customer that was delivered, or that a changed item or movement names, since
-- the build before. Nothing when the warehouse is built from nothing.
with delivered as (
    select * from {{ ref('stg_lake__customers') }}
),

changed_items as (
    {{ changed_rows('receivable_items', ['customer_id']) }}
),

changed_movements as (
    {{ changed_rows('receivable_movements', ['customer_id']) }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

final as (
    select delivered.customer_id
    from delivered
    inner join run_parameters
        on delivered._recorded_at > run_parameters.previous_known_at
    union
    select customer_id from changed_items
    union
    select customer_id from changed_movements
)

select * from final
