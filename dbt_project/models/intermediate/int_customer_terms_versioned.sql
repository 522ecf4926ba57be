-- Grain: one row per customer and interval of knowledge in which its payment terms were the same.
with delivered as (
    select * from {{ ref('stg_lake__customers') }}
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
