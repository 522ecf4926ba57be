-- Grain: one row per customer, those included that documents or payments name and no delivery of
-- customers does (is_unknown).
{{ config(**replaces_touched(by='int_customers_touched', keys=['customer_id'])) }}

with delivered as (
    select * from {{ ref('int_customers_deduped') }}
),

customers as (
    select * from delivered
    where {{ touched_only('delivered', 'int_customers_touched', ['customer_id']) }}
),

{% if is_refresh() %}
    -- Whoever was delivered is known: the journal is only asked for the others.
    touched as (
        select * from {{ ref('int_customers_touched') }}
    ),

    sought as (
        select touched.customer_id
        from touched
        left join delivered
            on touched.customer_id = delivered.customer_id
        where delivered.customer_id is null
    ),
{% endif %}

items as (
    select * from {{ ref('receivable_items') }}
    where
        is_current
        {% if is_refresh() %}
            and customer_id in (select sought.customer_id from sought)
        {% endif %}
),

movements as (
    select * from {{ ref('receivable_movements') }}
    where
        is_current
        {% if is_refresh() %}
            and customer_id in (select sought.customer_id from sought)
        {% endif %}
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
