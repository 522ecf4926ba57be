-- Grain: one row per month and scope in which a past-due item was worked. The rates stand when the
-- windows of all contacts of the month are over; what has succeeded until then stands beside.
with counted as (
    select * from {{ ref('int_success_counted') }}
),

success_rules as (
    select * from {{ ref('success_rules') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

timed as (
    select
        counted.*,
        run_parameters.as_of_date,
        {{ add_days(month_end('counted.month_start'), 'success_rules.window_days') }}
            as window_end_date
    from counted
    cross join success_rules
    cross join run_parameters
),

parts as (
    select
        *,
        window_end_date <= as_of_date as is_complete,
        case when window_end_date <= as_of_date then succeeded_item_count end
            as success_rate_numerator,
        worked_item_count as success_rate_denominator,
        case when window_end_date <= as_of_date then succeeded_amount end
            as success_rate_by_amount_numerator,
        worked_amount as success_rate_by_amount_denominator
    from timed
),

final as (
    select
        month_start,
        scope_type,
        scope_id,
        as_of_date,
        is_complete,
        cast(worked_item_count as integer) as worked_item_count,
        cast(paid_item_count as integer) as paid_item_count,
        cast(promise_kept_item_count as integer) as promise_kept_item_count,
        cast(succeeded_item_count as integer) as succeeded_item_count,
        cast(worked_amount as decimal(18, 2)) as worked_amount,
        cast(succeeded_amount as decimal(18, 2)) as succeeded_amount,
        {{ measure_columns('success_rate', missing="'insufficient_history'") }},
        {{ measure_columns('success_rate_by_amount', missing="'insufficient_history'") }}
    from parts
)

select * from final
