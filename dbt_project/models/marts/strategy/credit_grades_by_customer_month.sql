-- Grain: one row per customer and month, from the first in which anything counted, as known at the
-- month's end. A view that divides what is kept as sums. Only published tables are read, named
-- without their database, so that the view also works in the published copy.
{{ config(materialized='view') }}

with grades as (
    select * from {{ ref('credit_points_by_customer_month').include(database=false) }}
),

parts as (
    select
        *,
        late_amount_days as days_late_numerator,
        paid_amount as days_late_denominator,
        on_time_amount as on_time_rate_numerator,
        paid_amount as on_time_rate_denominator,
        disputed_item_count as dispute_rate_numerator,
        billed_item_count as dispute_rate_denominator,
        balance_amount as limit_utilisation_rate_numerator,
        credit_limit_amount as limit_utilisation_rate_denominator,
        case when credit_grade <> 'unrated' then credit_score_numerator * 100 end
            as rated_score_numerator
    from grades
),

final as (
    select
        customer_id,
        month_start,
        credit_grade,
        {{ measure_columns(
            'credit_score',
            missing="'insufficient_sample'",
            exact_numerator='rated_score_numerator',
        ) }},
        paid_item_count,
        {{ measure_columns('days_late') }},
        days_late_points,
        {{ measure_columns('on_time_rate') }},
        on_time_points,
        broken_promise_count,
        broken_promises_points,
        {{ measure_columns('dispute_rate') }},
        disputes_points,
        {{ measure_columns('limit_utilisation_rate') }},
        limit_utilisation_points,
        is_insolvent,
        insolvency_points
    from parts
)

select * from final
