-- Grain: one row per quarter, company and measure. Where there is more than one company, company
-- `all` is the group. The quarters of the companies in scorecard_by_period.
with scorecard as (
    select * from {{ ref('scorecard_by_period') }}
    where
        period_type = 'quarter'
        and scope_type = 'company'
        and measure_order is not null
),

final as (
    select
        period_start as quarter_start,
        company_code,
        measure,
        value, -- noqa: RF04
        numerator,
        denominator,
        target_value,
        status,
        rate_status,
        previous_value,
        change_value,
        target_comparison,
        measure_order,
        label_en,
        label_zh,
        period_end as quarter_end,
        is_complete,
        as_of_date
    from scorecard
)

select * from final
