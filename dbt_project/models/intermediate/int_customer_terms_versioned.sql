-- Grain: one row per customer and interval of knowledge in which its payment terms were the same.
{{ config(**replaces_touched(by='int_customer_terms_touched', keys=['customer_id'])) }}

with all_delivered as (
    select * from {{ ref('stg_lake__customers') }}
),

delivered as (
    select * from all_delivered
    where {{ touched_only('all_delivered', 'int_customer_terms_touched', ['customer_id']) }}
),

{{ versions_of(
    'customers', ['customer_id'], ['payment_terms_days'], absence_withdraws=false
) }},

final as (
    select
        customer_id,
        valid_from,
        valid_to,
        payment_terms_days
    from versions
    where valid_from < valid_to
)

select * from final
