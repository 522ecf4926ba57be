-- Grain: one row per period type, period, company, scope (company, team) and measure: those of the
-- scorecard, and whatever else a target names. Where there is more than one company, company `all`
-- is the group, and the teams stand under it.
-- The running period is judged on what it has so far. Without a target the status is `ok`: there
-- is a value and nothing to judge it by. What was reckoned without amounts that have no rate keeps
-- its value and is not judged.
-- A target holds for its scope before that of the company, of all companies (`all`) and the
-- default; for its own period before one that is part of it.
{%- set key = [
    'period_type', 'period_start', 'company_code', 'scope_type', 'scope_id', 'measure'
] %}
with measured as (
    select * from {{ ref('int_scorecards_measured') }}
),

targets as (
    select * from {{ ref('int_targets_deduped') }}
    where scope_type in ('company', 'team')
),

scorecard_targets as (
    select * from {{ ref('scorecard_targets') }}
),

measure_comparisons as (
    select * from {{ ref('measure_comparisons') }}
),

measures as (
    select
        measure,
        measure_order,
        target_value,
        target_comparison,
        label_en,
        label_zh
    from scorecard_targets
    union all
    select
        measure_comparisons.measure,
        cast(null as integer) as measure_order,
        cast(null as decimal(18, 8)) as target_value,
        measure_comparisons.target_comparison,
        measure_comparisons.label_en,
        measure_comparisons.label_zh
    from measure_comparisons
    left join scorecard_targets
        on measure_comparisons.measure = scorecard_targets.measure
    where scorecard_targets.measure is null
),

planned_periods as (
    select
        scope_type,
        scope_id,
        measure,
        target_value,
        period_start,
        case period_type
            when 'month' then 1
            when 'quarter' then 3
            when 'half_year' then 6
            else 12
        end as month_count
    from targets
),

planned as (
    select
        scope_type,
        scope_id,
        measure,
        target_value,
        period_start as planned_from,
        {{ add_days(add_months('period_start', 'month_count'), -1) }} as planned_to,
        month_count
    from planned_periods
),

candidates as (
    select
        {{ columns_of(key, 'measured') }},
        planned.target_value,
        row_number() over (
            partition by {{ columns_of(key, 'measured') }}
            order by
                case
                    when planned.scope_type = 'team' then 1
                    when planned.scope_id = measured.company_code then 2
                    else 3
                end,
                planned.month_count
        ) as place
    from measured
    inner join planned
        on
            measured.measure = planned.measure
            and measured.period_start >= planned.planned_from
            and measured.period_end <= planned.planned_to
            and (
                (
                    measured.scope_type = planned.scope_type
                    and measured.scope_id = planned.scope_id
                )
                or (
                    planned.scope_type = 'company'
                    and planned.scope_id in (measured.company_code, 'all')
                )
            )
),

targeted as (
    select
        measured.*,
        measures.measure_order,
        measures.target_comparison,
        measures.label_en,
        measures.label_zh,
        cast(coalesce(candidates.target_value, measures.target_value) as decimal(18, 8))
            as target_value
    from measured
    inner join measures
        on measured.measure = measures.measure
    left join candidates
        on
            {{ equal_columns(key, 'measured', 'candidates') }}
            and candidates.place = 1
),

compared as (
    select
        *,
        lag(measure_value) over (
            partition by period_type, company_code, scope_type, scope_id, measure
            order by period_start
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
        period_type,
        period_start,
        company_code,
        scope_type,
        scope_id,
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
        cast(measure_order as integer) as measure_order,
        label_en,
        label_zh,
        period_end,
        is_complete,
        as_of_date
    from judged
)

select * from final
