-- Grain: one row per month, company, allowance method, segment and bucket, zeros included.
with allowances_required as (
    select * from {{ ref('int_allowances_required') }}
),

final as (
    select
        as_of_date,
        period_start,
        period_end,
        measured_to_date,
        is_complete,
        company_code,
        allowance_method,
        is_booked,
        segment,
        bucket_set,
        aging_bucket,
        aging_bucket_order,
        open_amount,
        base_amount,
        loss_rate,
        required_allowance_amount,
        rate_status
    from allowances_required
)

select * from final
