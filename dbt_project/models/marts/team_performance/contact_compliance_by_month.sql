-- Grain: one row per month, collector and rule broken in it, and one of rule `any` per month and
-- collector with an outbound contact, in which a contact that breaks several rules counts once.
with breaches as (
    select * from {{ ref('contact_compliance') }}
),

counted as (
    select * from {{ ref('int_collector_months_counted') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

breaches_by_rule as (
    select
        month_start,
        collector_id,
        rule_pack,
        rule_code,
        count(*) as breach_count,
        count(*) as breached_contact_count,
        count(distinct customer_id) as breached_customer_count,
        sum(case when is_timezone_unknown then 1 else 0 end) as unknown_timezone_breach_count
    from breaches
    group by month_start, collector_id, rule_pack, rule_code
),

breaches_of_any_rule as (
    select
        month_start,
        collector_id,
        count(*) as breach_count,
        count(distinct contact_id) as breached_contact_count,
        count(distinct customer_id) as breached_customer_count,
        sum(case when is_timezone_unknown then 1 else 0 end) as unknown_timezone_breach_count
    from breaches
    group by month_start, collector_id
),

months as (
    select
        month_start,
        collector_id,
        attempt_count
    from counted
    where attempt_count > 0
),

scoped as (
    select
        months.month_start,
        months.collector_id,
        'any' as rule_pack,
        'any' as rule_code,
        months.attempt_count,
        coalesce(breaches_of_any_rule.breach_count, 0) as breach_count,
        coalesce(breaches_of_any_rule.breached_contact_count, 0) as breached_contact_count,
        coalesce(breaches_of_any_rule.breached_customer_count, 0) as breached_customer_count,
        coalesce(breaches_of_any_rule.unknown_timezone_breach_count, 0)
            as unknown_timezone_breach_count
    from months
    left join breaches_of_any_rule
        on
            months.month_start = breaches_of_any_rule.month_start
            and months.collector_id = breaches_of_any_rule.collector_id
    union all
    select
        breaches_by_rule.month_start,
        breaches_by_rule.collector_id,
        breaches_by_rule.rule_pack,
        breaches_by_rule.rule_code,
        months.attempt_count,
        breaches_by_rule.breach_count,
        breaches_by_rule.breached_contact_count,
        breaches_by_rule.breached_customer_count,
        breaches_by_rule.unknown_timezone_breach_count
    from breaches_by_rule
    inner join months
        on
            breaches_by_rule.month_start = months.month_start
            and breaches_by_rule.collector_id = months.collector_id
),

parts as (
    select
        *,
        breached_contact_count as breach_rate_numerator,
        attempt_count as breach_rate_denominator
    from scoped
),

final as (
    select
        parts.month_start,
        parts.collector_id,
        parts.rule_pack,
        parts.rule_code,
        run_parameters.as_of_date,
        cast(parts.attempt_count as integer) as attempt_count,
        cast(parts.breach_count as integer) as breach_count,
        cast(parts.breached_contact_count as integer) as breached_contact_count,
        cast(parts.breached_customer_count as integer) as breached_customer_count,
        cast(parts.unknown_timezone_breach_count as integer) as unknown_timezone_breach_count,
        {{ measure_columns('breach_rate') }}
    from parts
    cross join run_parameters
)

select * from final
