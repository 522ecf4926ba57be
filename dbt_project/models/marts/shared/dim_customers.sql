-- Grain: one row per customer, those included that documents or payments name and no delivery of
-- customers does (is_unknown).
with customers as (
    select * from {{ ref('int_customers_deduped') }}
),

items as (
    select * from {{ ref('receivable_items') }}
    where is_current
),

movements as (
    select * from {{ ref('receivable_movements') }}
    where is_current
),

named as (
    select customer_id from items
    union
    select customer_id from movements
),

final as (
    select
        coalesce(customers.customer_id, named.customer_id) as customer_id,
        customers.customer_name,
        customers.segment,
        customers.region,
        customers.parent_customer_id,
        customers.credit_limit_amount,
        customers.payment_terms_days,
        customers.currency_code,
        customers.timezone,
        coalesce(customers.is_insolvent, false) as is_insolvent,
        customers.onboarded_date,
        customers.customer_id is null as is_unknown
    from named
    full outer join customers
        on named.customer_id = customers.customer_id
)

select * from final
