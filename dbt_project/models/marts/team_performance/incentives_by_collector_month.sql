-- Grain: one row per month and collector with cash or a plan of cash.
-- The tier follows what is left of the month's own cash: what was taken back of it, even later, is
-- taken off the month that earned it, and the tier with it. A gate that is closed withholds a part;
-- of several closed gates the one that withholds most.
{%- set gates = {
    'compliance_breach': 'contacts that broke a rule',
    'upheld_complaint': 'complaints upheld',
    'training_not_passed': 'courses not passed',
} %}
with performance as (
    select * from {{ ref('performance_by_collector_month') }}
    where collector_id <> 'unattributed'
),

collector_months as (
    select * from {{ ref('int_collector_months_summed') }}
),

compliance as (
    select * from {{ ref('contact_compliance_by_month') }}
    where rule_code = 'any'
),

trainings as (
    select * from {{ ref('int_trainings_assessed') }}
),

incentive_tiers as (
    select * from {{ ref('incentive_tiers') }}
),

incentive_gates as (
    select * from {{ ref('incentive_gates') }}
),

months as (
    select
        performance.month_start,
        performance.collector_id,
        performance.team_id,
        performance.as_of_date,
        performance.month_end,
        performance.is_complete,
        least(performance.month_end, performance.as_of_date) as judged_date,
        performance.collected_target_amount,
        performance.upheld_complaint_count,
        collector_months.earned_amount,
        collector_months.taken_back_amount,
        collector_months.earned_amount - collector_months.taken_back_amount as kept_amount,
        collector_months.earned_amount
        - collector_months.taken_back_amount
        + collector_months.taken_back_afterwards_amount as kept_at_month_end_amount
    from performance
    inner join collector_months
        on
            performance.collector_id = collector_months.collector_id
            and performance.month_start = collector_months.month_start
    where
        performance.collected_target_amount is not null
        or collector_months.earned_amount <> 0
        or collector_months.taken_back_amount <> 0
),

breaches as (
    select
        collector_id,
        month_start,
        sum(breached_contact_count) as compliance_breach_count
    from compliance
    group by collector_id, month_start
),

-- A course that was not passed stays so until it is.
trainings_followed as (
    select
        collector_id,
        course_id,
        assessed_date,
        is_passed,
        lead(assessed_date) over (
            partition by collector_id, course_id
            order by assessed_date, attempt_no
        ) as next_assessed_date
    from trainings
),

courses_not_passed as (
    select
        months.collector_id,
        months.month_start,
        count(*) as training_not_passed_count
    from months
    inner join trainings_followed
        on
            months.collector_id = trainings_followed.collector_id
            and months.judged_date >= trainings_followed.assessed_date
            and (
                months.judged_date < trainings_followed.next_assessed_date
                or trainings_followed.next_assessed_date is null
            )
    where not trainings_followed.is_passed
    group by months.collector_id, months.month_start
),

counted as (
    select
        months.*,
        cast(coalesce(breaches.compliance_breach_count, 0) as integer)
            as compliance_breach_count,
        cast(coalesce(courses_not_passed.training_not_passed_count, 0) as integer)
            as training_not_passed_count,
        months.kept_amount as attainment_rate_numerator,
        months.collected_target_amount as attainment_rate_denominator
    from months
    left join breaches
        on
            months.collector_id = breaches.collector_id
            and months.month_start = breaches.month_start
    left join courses_not_passed
        on
            months.collector_id = courses_not_passed.collector_id
            and months.month_start = courses_not_passed.month_start
),

gated as (
    select
        counted.collector_id,
        counted.month_start,
    {%- for gate in gates %}
        max(
            case
                when
                    incentive_gates.incentive_gate = '{{ gate }}'
                    and counted.{{ gate }}_count > incentive_gates.allowed_count
                    then incentive_gates.withheld_rate
                else 0
            end
        ) as {{ gate }}_withheld_rate{{ ',' if not loop.last }}
    {%- endfor %}
    from counted
    cross join incentive_gates
    group by counted.collector_id, counted.month_start
),

tiers_followed as (
    select
        incentive_tier,
        incentive_rate,
        attained_from_rate,
        lead(attained_from_rate) over (
            order by attained_from_rate nulls first
        ) as attained_below_rate
    from incentive_tiers
),

-- By products, not by the rounded quotient: a cent below a bound is below it.
judged as (
    select
        counted.*,
        gated.compliance_breach_withheld_rate,
        gated.upheld_complaint_withheld_rate,
        gated.training_not_passed_withheld_rate,
        greatest(
            gated.compliance_breach_withheld_rate,
            gated.upheld_complaint_withheld_rate,
            gated.training_not_passed_withheld_rate
        ) as withheld_rate,
        tiers.incentive_tier,
        tiers.incentive_rate,
        tiers_at_month_end.incentive_rate as incentive_rate_at_month_end
    from counted
    inner join gated
        on
            counted.collector_id = gated.collector_id
            and counted.month_start = gated.month_start
    {%- for alias, amount in {
        'tiers': 'kept_amount', 'tiers_at_month_end': 'kept_at_month_end_amount'
    }.items() %}
        left join tiers_followed as {{ alias }}
            on
                counted.collected_target_amount > 0
                and (
                    {{ alias }}.attained_from_rate is null
                    or counted.{{ amount }}
                    >= cast(counted.collected_target_amount as decimal(28, 2))
                    * {{ alias }}.attained_from_rate
                )
                and (
                    {{ alias }}.attained_below_rate is null
                    or counted.{{ amount }}
                    < cast(counted.collected_target_amount as decimal(28, 2))
                    * {{ alias }}.attained_below_rate
                )
    {%- endfor %}
),

calculated as (
    select
        *,
        {{ convert_amount('kept_amount', 'incentive_rate') }} as tier_incentive_amount,
        {{ convert_amount('kept_at_month_end_amount', 'incentive_rate_at_month_end') }}
            as tier_incentive_at_month_end_amount
    from judged
),

withheld as (
    select
        *,
        {{ convert_amount('tier_incentive_amount', 'withheld_rate') }}
            as withheld_incentive_amount,
        tier_incentive_at_month_end_amount - {{ convert_amount(
            'tier_incentive_at_month_end_amount', 'withheld_rate'
        ) }} as incentive_at_month_end_amount
    from calculated
),

final as (
    select
        month_start,
        collector_id,
        team_id,
        as_of_date,
        month_end,
        is_complete,
        cast(earned_amount as decimal(18, 2)) as earned_amount,
        cast(taken_back_amount as decimal(18, 2)) as taken_back_amount,
        cast(kept_amount as decimal(18, 2)) as kept_amount,
        cast(collected_target_amount as decimal(18, 2)) as collected_target_amount,
        {{ measure_columns('attainment_rate') }},
        incentive_tier,
        incentive_rate,
        compliance_breach_count,
        upheld_complaint_count,
        training_not_passed_count,
        {%- for gate in gates %}
            {{ gate }}_withheld_rate > 0 as is_withheld_for_{{ gate }},
        {%- endfor %}
        cast(withheld_rate as decimal(18, 8)) as withheld_rate,
        cast(tier_incentive_amount as decimal(18, 2)) as tier_incentive_amount,
        cast(withheld_incentive_amount as decimal(18, 2)) as withheld_incentive_amount,
        cast(tier_incentive_amount - withheld_incentive_amount as decimal(18, 2))
            as incentive_amount,
        cast(incentive_at_month_end_amount as decimal(18, 2)) as incentive_at_month_end_amount,
        cast(
            incentive_at_month_end_amount - tier_incentive_amount + withheld_incentive_amount
            as decimal(18, 2)
        ) as clawed_back_amount
    from withheld
)

select * from final
