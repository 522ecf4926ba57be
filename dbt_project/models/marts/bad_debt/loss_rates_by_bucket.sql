-- Grain: one row per company, segment (`all` for the whole company), complete month, bucket set and
-- bucket, empty buckets included, as known now.
with loss_rates as (
    select * from {{ ref('int_loss_rates_chained') }}
    where knowledge = 'now'
),

final as (
    select
        as_of_date,
        month_start,
        month_end,
        company_code,
        segment,
        bucket_set,
        aging_bucket,
        aging_bucket_order,
        trailing_months,
        roll_rate,
        roll_rate_numerator,
        roll_rate_denominator,
        roll_rate_status,
        loss_given_last_rate,
        loss_rate,
        loss_rate_status,
        forward_looking_factor,
        adjusted_loss_rate,
        adjusted_loss_rate_status,
        rate_status
    from loss_rates
)

select * from final
