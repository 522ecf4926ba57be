-- Grain: one row per customer, as last delivered. A customer that a full delivery leaves out stays:
-- history refers to it.
with delivered as (
    select * from {{ ref('stg_lake__customers') }}
),

ranked as (
    select
        *,
        row_number() over (
            partition by customer_id
            order by _recorded_at desc, _load_sequence desc, _row_number desc
        ) as recency_rank
    from delivered
),

final as (
    select
        customer_id,
        customer_name,
        segment,
        region,
        parent_customer_id,
        credit_limit_amount,
        payment_terms_days,
        currency_code,
        timezone,
        is_insolvent,
        onboarded_date,
        _load_id,
        _recorded_at
    from ranked
    where recency_rank = 1
)

select * from final
