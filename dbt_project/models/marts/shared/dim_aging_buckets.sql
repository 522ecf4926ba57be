-- Grain: one row per bucket set and bucket: the buckets of the seed, and in each set the two that
-- hold what stands apart from aging, unapplied cash and unapplied credits.
with seeded as (
    select * from {{ ref('aging_buckets') }}
),

bounded as (
    select
        bucket_set,
        aging_bucket,
        cast(aging_bucket_order as integer) as aging_bucket_order,
        unit,
        cast(
            lag(upper_bound) over (partition by bucket_set order by aging_bucket_order) as integer
        ) as lower_bound,
        cast(upper_bound as integer) as upper_bound,
        action_code,
        label_en,
        label_zh
    from seeded
),

last_orders as (
    select
        bucket_set,
        max(aging_bucket_order) as last_order
    from bounded
    group by bucket_set
),

unapplied_cash as (
    select
        bucket_set,
        'unapplied_cash' as aging_bucket,
        last_order + 1 as aging_bucket_order,
        cast(null as varchar) as unit,
        cast(null as integer) as lower_bound,
        cast(null as integer) as upper_bound,
        'apply_cash' as action_code,
        'Unapplied cash' as label_en,
        '未核销收款' as label_zh
    from last_orders
),

unapplied_credits as (
    select
        bucket_set,
        'unapplied_credit' as aging_bucket,
        last_order + 2 as aging_bucket_order,
        cast(null as varchar) as unit,
        cast(null as integer) as lower_bound,
        cast(null as integer) as upper_bound,
        'apply_credit' as action_code,
        'Unapplied credits' as label_en,
        '未核销贷项' as label_zh
    from last_orders
),

final as (
    select
        *,
        true as is_aged
    from bounded
    union all
    select
        *,
        false as is_aged
    from unapplied_cash
    union all
    select
        *,
        false as is_aged
    from unapplied_credits
)

select * from final
