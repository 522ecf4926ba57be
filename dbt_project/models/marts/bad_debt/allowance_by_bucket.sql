-- Grain: one row per month, company, allowance method, segment and bucket, zeros included.
with allowances_required as (
    select * from {{ ref('int_allowances_required') }}
    where knowledge = 'now'
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
        loss_rate_source,
        required_allowance_amount,
        case
            when required_allowance_amount is null then 'insufficient_history' else 'ok'
        end as allowance_status,
        rate_status
    from allowances_required
)

select * from final
