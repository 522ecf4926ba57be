-- Grain: one row per quarter, company and measure. Where there is more than one company, company
-- `all` is the group.
-- The running quarter is judged on what it has so far. Without a target the status is `ok`: there
-- is a value and nothing to judge it by. What was reckoned without amounts that have no rate keeps
-- its value and is not judged.
with measured as (
    select * from {{ ref('int_scorecards_measured') }}
),

targets as (
    select * from {{ ref('int_targets_deduped') }}
    where
        period_type = 'quarter'
        and scope_type = 'company'
),

scorecard_targets as (
    select * from {{ ref('scorecard_targets') }}
),

targeted as (
    select
        measured.*,
        scorecard_targets.measure_order,
        scorecard_targets.target_comparison,
        scorecard_targets.label_en,
        scorecard_targets.label_zh,
        cast(
            coalesce(
                company_targets.target_value,
                group_targets.target_value,
                scorecard_targets.target_value
            ) as decimal(18, 8)
        ) as target_value
    from measured
    inner join scorecard_targets
        on measured.measure = scorecard_targets.measure
    left join targets as company_targets
        on
            measured.quarter_start = company_targets.period_start
            and measured.measure = company_targets.measure
            and measured.company_code = company_targets.scope_id
    left join targets as group_targets
        on
            measured.quarter_start = group_targets.period_start
            and measured.measure = group_targets.measure
            and group_targets.scope_id = 'all'
),

compared as (
    select
        *,
        lag(measure_value) over (
            partition by company_code, measure
            order by quarter_start
        ) as previous_value
    from targeted
),

judged as (
    select
        *,
        case
            when status <> 'ok' then status
            when rate_status = 'missing' then 'not_applicable'
            when target_value is null then 'ok'
            when target_comparison = 'at_least' and measure_value >= target_value then 'met'
            when target_comparison = 'at_most' and measure_value <= target_value then 'met'
            when target_comparison = 'below' and measure_value < target_value then 'met'
            else 'missed'
        end as scorecard_status
    from compared
),

final as (
    select
        quarter_start,
        company_code,
        measure,
        measure_value as value, -- noqa: RF04
        numerator,
        denominator,
        target_value,
        scorecard_status as status,
        rate_status,
        cast(previous_value as decimal(18, 8)) as previous_value,
        cast(measure_value - previous_value as decimal(18, 8)) as change_value,
        target_comparison,
        measure_order,
        label_en,
        label_zh,
        quarter_end,
        is_complete,
        as_of_date
    from judged
)

select * from final
