-- Fails, and names every fault in the business constants, whoever edited them. It reads nothing but
-- seeds, so that it can tell what is wrong with them when no model could be built.
with allowance_methods as (
    select * from {{ ref('allowance_methods') }}
),

loss_rates as (
    select * from {{ ref('loss_rates') }}
),

allowance_rules as (
    select * from {{ ref('allowance_rules') }}
),

specific_provisions as (
    select * from {{ ref('specific_provisions') }}
),

loss_rate_rules as (
    select * from {{ ref('loss_rate_rules') }}
),

aging_rules as (
    select * from {{ ref('aging_rules') }}
),

bucket_seed as (
    select * from {{ ref('aging_buckets') }}
),

credit_rules as (
    select * from {{ ref('credit_rules') }}
),

credit_grade_parts as (
    select * from {{ ref('credit_grade_parts') }}
),

credit_grades as (
    select * from {{ ref('credit_grades') }}
),

strategy_rules as (
    select * from {{ ref('strategy_rules') }}
),

strategies as (
    select * from {{ ref('strategies') }}
),

strategy_matrix as (
    select * from {{ ref('strategy_matrix') }}
),

worklist_reasons as (
    select * from {{ ref('worklist_reasons') }}
),

-- The buckets of every set, and the two that hold what stands apart from aging.
aging_buckets as (
    select
        bucket_set,
        aging_bucket
    from bucket_seed
    union
    select
        bucket_set,
        'unapplied_cash' as aging_bucket
    from bucket_seed
    union
    select
        bucket_set,
        'unapplied_credit' as aging_bucket
    from bucket_seed
),

promise_rules as (
    select * from {{ ref('promise_rules') }}
),

attribution_methods as (
    select * from {{ ref('attribution_methods') }}
),

contact_outcomes as (
    select * from {{ ref('contact_outcomes') }}
),

scorecard_targets as (
    select * from {{ ref('scorecard_targets') }}
),

measure_comparisons as (
    select * from {{ ref('measure_comparisons') }}
),

measure_rules as (
    select * from {{ ref('measure_rules') }}
),

contact_rule_packs as (
    select * from {{ ref('contact_rule_packs') }}
),

contact_rules as (
    select * from {{ ref('contact_rules') }}
),

contact_zones as (
    select * from {{ ref('contact_zones') }}
),

success_rules as (
    select * from {{ ref('success_rules') }}
),

forecast_rules as (
    select * from {{ ref('forecast_rules') }}
),

rates_known as (
    select
        allowance_methods.allowance_method,
        aging_buckets.aging_bucket,
        allowance_methods.allowance_method = 'aging' as is_needed
    from allowance_methods
    inner join aging_buckets
        on allowance_methods.bucket_set = aging_buckets.bucket_set
    union all
    select
        allowance_method,
        'all' as aging_bucket,
        true as is_needed
    from allowance_methods
    where allowance_method in ('percent_of_receivables', 'percent_of_sales')
),

rates_missing as (
    select
        'loss_rates' as seed,
        'no rate for every segment (*): ' || rates_known.allowance_method
        || ', ' || rates_known.aging_bucket as fault
    from rates_known
    left join loss_rates
        on
            rates_known.allowance_method = loss_rates.allowance_method
            and rates_known.aging_bucket = loss_rates.aging_bucket
            and loss_rates.segment = '*'
    where
        rates_known.is_needed
        and loss_rates.loss_rate is null
),

rates_unknown as (
    select
        'loss_rates' as seed,
        'no such method or bucket: ' || coalesce(loss_rates.allowance_method, 'none')
        || ', ' || coalesce(loss_rates.aging_bucket, 'none') as fault
    from loss_rates
    left join rates_known
        on
            loss_rates.allowance_method = rates_known.allowance_method
            and loss_rates.aging_bucket = rates_known.aging_bucket
    where rates_known.aging_bucket is null
),

rates_out_of_range as (
    select
        'loss_rates' as seed,
        'not from 0 to 1, or without a segment: ' || coalesce(allowance_method, 'none')
        || ', ' || coalesce(segment, 'none') || ', ' || coalesce(aging_bucket, 'none') as fault
    from loss_rates
    where loss_rate is null or loss_rate < 0 or loss_rate > 1 or segment is null
),

rates_repeated as (
    select
        'loss_rates' as seed,
        'repeated: ' || allowance_method || ', ' || segment || ', ' || aging_bucket as fault
    from loss_rates
    group by allowance_method, segment, aging_bucket
    having count(*) > 1
),

aging_rules_wrong as (
    select
        'aging_rules' as seed,
        'expected one row of positive numbers, shortened_fall_rate of 1 or less' as fault
    from aging_rules
    having
        count(*) <> 1
        or sum(
            case
                when
                    lengthened_growth_rate > 0
                    and shortened_fall_rate > 0
                    and shortened_fall_rate <= 1
                    and bucket_surge_growth_rate > 0
                    and vintage_months > 0
                    then 0
                else 1
            end
        ) > 0
),

loss_rate_rules_wrong as (
    select
        'loss_rate_rules' as seed,
        'repeated, or not one month or more, a loss from 0 to 1 and a factor of 0 or more: '
        || segment as fault
    from loss_rate_rules
    group by segment
    having
        count(*) > 1
        or sum(
            case
                when
                    trailing_months >= 1
                    and loss_given_last_rate >= 0
                    and loss_given_last_rate <= 1
                    and forward_looking_factor >= 0
                    then 0
                else 1
            end
        ) > 0
    union all
    select
        'loss_rate_rules' as seed,
        'no rule for every segment (*)' as fault
    from loss_rate_rules
    having coalesce(sum(case when segment = '*' then 1 else 0 end), 0) = 0
),

methods_unknown as (
    select
        'allowance_methods' as seed,
        'no such method: ' || coalesce(allowance_method, 'none') as fault
    from allowance_methods
    where
        coalesce(allowance_method, 'none') not in (
            'aging', 'percent_of_receivables', 'percent_of_sales', 'specific', 'direct_write_off',
            'expected_loss'
        )
),

methods_repeated as (
    select
        'allowance_methods' as seed,
        'repeated: ' || allowance_method as fault
    from allowance_methods
    group by allowance_method
    having count(*) > 1
),

bucket_sets as (
    select bucket_set from bucket_seed
    group by bucket_set
),

methods_without_set as (
    select
        'allowance_methods' as seed,
        'expected a bucket set of aging_buckets for aging and expected_loss, and none for other '
        || 'methods: ' || allowance_methods.allowance_method || ', '
        || coalesce(allowance_methods.bucket_set, 'none') as fault
    from allowance_methods
    left join bucket_sets
        on allowance_methods.bucket_set = bucket_sets.bucket_set
    where
        case
            when allowance_methods.allowance_method in ('aging', 'expected_loss')
                then bucket_sets.bucket_set is null
            else allowance_methods.bucket_set is not null
        end
),

methods_not_booked as (
    select
        'allowance_methods' as seed,
        'expected one method that is booked, found '
        || cast(count(case when is_booked then 1 end) as varchar) as fault
    from allowance_methods
    having
        count(case when is_booked then 1 end) <> 1
        or count(is_booked) <> count(*)
),

allowance_rules_wrong as (
    select
        'allowance_rules' as seed,
        'expected one row of positive numbers' as fault
    from allowance_rules
    having
        count(*) <> 1
        or sum(case when back_test_months > 0 then 0 else 1 end) > 0
),

provisions_named as (
    select
        *,
        coalesce(company_code, 'none') || ', ' || coalesce(customer_id, 'none') || ', '
        || coalesce(document_id, 'every document') || ', from '
        || coalesce(cast(valid_from as varchar), 'none') as provision_name
    from specific_provisions
),

provisions_incomplete as (
    select
        'specific_provisions' as seed,
        'a company, a customer and the dates valid_from and known_from must be given, valid_to '
        || 'not be before valid_from, and the rate be from 0 to 1: ' || provision_name as fault
    from provisions_named
    where
        company_code is null
        or customer_id is null
        or valid_from is null
        or known_from is null
        or valid_to < valid_from
        or loss_rate < 0
        or loss_rate > 1
),

provisions_repeated as (
    select
        'specific_provisions' as seed,
        'repeated: ' || provision_name || ', known from ' || cast(known_from as varchar) as fault
    from provisions_named
    group by provision_name, known_from
    having count(*) > 1
),

-- The knowledge in which each version holds: till the next one of the same valid_from is known.
provisions_versioned as (
    select
        *,
        coalesce(
            lead(known_from) over (partition by provision_name order by known_from),
            {{ far_future() }}
        ) as known_to
    from provisions_named
),

provisions_overlapping as (
    select
        'specific_provisions' as seed,
        'overlaps the one from ' || cast(later.valid_from as varchar) || ': '
        || earlier.provision_name as fault
    from provisions_versioned as earlier
    inner join provisions_versioned as later
        on
            earlier.company_code = later.company_code
            and earlier.customer_id = later.customer_id
            and coalesce(earlier.document_id, '') = coalesce(later.document_id, '')
            and earlier.valid_from < later.valid_from
            and coalesce(earlier.valid_to, {{ far_future() }}) >= later.valid_from
            and earlier.known_from < later.known_to
            and earlier.known_to > later.known_from
    where
        earlier.loss_rate is not null
        and later.loss_rate is not null
),

buckets_followed as (
    select
        *,
        lead(aging_bucket) over (
            partition by bucket_set order by aging_bucket_order
        ) as next_bucket,
        lead(upper_bound) over (
            partition by bucket_set order by aging_bucket_order
        ) as next_upper_bound
    from bucket_seed
),

-- What makes a set total and disjoint, whatever bounds a company gives it.
buckets_wrong as (
    select
        'aging_buckets' as seed,
        'an unnamed or reserved bucket, or one without an order or a known unit (day, month): '
        || coalesce(bucket_set, 'none') || ', ' || coalesce(aging_bucket, 'none') as fault
    from bucket_seed
    where
        bucket_set is null
        or coalesce(aging_bucket, 'all') in (
            'all', 'specific', 'unapplied_cash', 'unapplied_credit'
        )
        or aging_bucket_order is null
        or coalesce(unit, 'none') not in ('day', 'month')
),

buckets_repeated as (
    select
        'aging_buckets' as seed,
        'a name or an order twice, or two units, in set: ' || bucket_set as fault
    from bucket_seed
    group by bucket_set
    having
        count(distinct aging_bucket) <> count(*)
        or count(distinct aging_bucket_order) <> count(*)
        or count(distinct unit) <> 1
),

buckets_overlapping as (
    select
        'aging_buckets' as seed,
        'overlap: ' || bucket_set || ', ' || aging_bucket || ' ends at '
        || coalesce(cast(upper_bound as varchar), 'no bound') || ', not before ' || next_bucket
            as fault
    from buckets_followed
    where
        next_bucket is not null
        and (upper_bound is null or upper_bound >= next_upper_bound)
),

buckets_ending as (
    select
        'aging_buckets' as seed,
        'gap: ' || bucket_set || ', nothing holds ages above ' || cast(upper_bound as varchar)
            as fault
    from buckets_followed
    where
        next_bucket is null
        and upper_bound is not null
),

promise_rules_wrong as (
    select
        'promise_rules' as seed,
        'expected one row, grace_days of 0 or more, amount_tolerance_rate from 0 to below 1'
            as fault
    from promise_rules
    having
        count(*) <> 1
        or sum(
            case
                when
                    grace_days >= 0
                    and amount_tolerance_rate >= 0
                    and amount_tolerance_rate < 1
                    then 0
                else 1
            end
        ) > 0
),

attribution_methods_wrong as (
    select
        'attribution_methods' as seed,
        'expected portfolio_owner, promise_first, last_touch and first_touch (with window_days of '
        || '0 or more) and linear (with a touch_limit from 1 to 12 as well), one of them the '
        || 'headline' as fault
    from attribution_methods
    having
        count(*) <> 5
        or count(distinct attribution_method) <> 5
        or sum(case when is_headline then 1 else 0 end) <> 1
        or sum(
            case
                when
                    attribution_method in ('portfolio_owner', 'promise_first')
                    and window_days is null
                    and touch_limit is null
                    then 1
                when
                    attribution_method in ('last_touch', 'first_touch')
                    and window_days >= 0
                    and touch_limit is null
                    then 1
                when
                    attribution_method = 'linear'
                    and window_days >= 0
                    and touch_limit between 1 and 12
                    then 1
                else 0
            end
        ) <> 5
),

outcomes_listed as (
    {%- for outcome in [
        'no_answer', 'wrong_party', 'left_message', 'right_party', 'promise_to_pay',
        'payment_plan', 'dispute', 'refusal', 'complaint', 'paid'
    ] %}
        select '{{ outcome }}' as outcome
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

outcomes_unknown as (
    select
        'contact_outcomes' as seed,
        'no such outcome: ' || coalesce(contact_outcomes.outcome, 'none') as fault
    from contact_outcomes
    left join outcomes_listed
        on contact_outcomes.outcome = outcomes_listed.outcome
    where outcomes_listed.outcome is null
),

outcomes_missing as (
    select
        'contact_outcomes' as seed,
        'missing: ' || outcomes_listed.outcome as fault
    from outcomes_listed
    left join contact_outcomes
        on outcomes_listed.outcome = contact_outcomes.outcome
    where contact_outcomes.outcome is null
),

outcomes_wrong as (
    select
        'contact_outcomes' as seed,
        'repeated, unset, or the right party without a connect: ' || outcome as fault
    from contact_outcomes
    group by outcome
    having
        count(*) > 1
        or sum(
            case
                when is_connect is null or is_right_party is null or is_touch is null then 1
                when is_right_party and not is_connect then 1
                else 0
            end
        ) > 0
),

targets_wrong as (
    select
        'scorecard_targets' as seed,
        'repeated, or an unknown comparison: ' || measure as fault
    from scorecard_targets
    group by measure
    having
        count(*) > 1
        or sum(
            case when target_comparison in ('at_least', 'at_most', 'below') then 0 else 1 end
        ) > 0
),

targets_disordered as (
    select
        'scorecard_targets' as seed,
        'two measures of one order: ' || cast(measure_order as varchar) as fault
    from scorecard_targets
    group by measure_order
    having count(*) > 1
),

comparisons_wrong as (
    select
        'measure_comparisons' as seed,
        'repeated, or an unknown comparison: ' || measure as fault
    from measure_comparisons
    group by measure
    having
        count(*) > 1
        or sum(
            case when target_comparison in ('at_least', 'at_most', 'below') then 0 else 1 end
        ) > 0
),

measure_rules_wrong as (
    select
        'measure_rules' as seed,
        'expected one row of positive numbers' as fault
    from measure_rules
    having
        count(*) <> 1
        or sum(
            case
                when
                    minimum_survey_count > 0
                    and satisfied_score_from > 0
                    and assessment_months > 0
                    and complaint_rate_customers > 0
                    then 0
                else 1
            end
        ) > 0
),

forecast_rules_wrong as (
    select
        'forecast_rules' as seed,
        'expected one row of positive numbers, interval_rate and in_time_rate below 1' as fault
    from forecast_rules
    having
        count(*) <> 1
        or sum(
            case
                when
                    history_days > 0
                    and full_weight_payments > 0
                    and week_count > 0
                    and past_month_count > 0
                    and interval_rate > 0
                    and interval_rate < 1
                    and interval_deviations > 0
                    and in_time_rate > 0
                    and in_time_rate < 1
                    then 0
                else 1
            end
        ) > 0
),

success_rules_wrong as (
    select
        'success_rules' as seed,
        'expected one row, window_days of 0 or more, paid_share above 0 and at most 1' as fault
    from success_rules
    having
        count(*) <> 1
        or sum(
            case when window_days >= 0 and paid_share > 0 and paid_share <= 1 then 0 else 1 end
        ) > 0
),

packs_wrong as (
    select
        'contact_rule_packs' as seed,
        'repeated, or of a pack without rules: ' || coalesce(contact_rule_packs.segment, 'unset')
            as fault
    from contact_rule_packs
    left join contact_rules
        on contact_rule_packs.rule_pack = contact_rules.rule_pack
    group by contact_rule_packs.segment
    having
        count(distinct contact_rule_packs.rule_pack) <> 1
        or count(distinct contact_rules.rule_code) <> count(*)
    union all
    select
        'contact_rule_packs' as seed,
        'no pack for every segment (*)' as fault
    from contact_rule_packs
    having coalesce(sum(case when segment = '*' then 1 else 0 end), 0) <> 1
),

contact_rules_wrong as (
    select
        'contact_rules' as seed,
        'repeated, or its hours, window, maximum, channels or clock are not those of its type: '
        || rule_pack || ', ' || rule_code as fault
    from contact_rules
    group by rule_pack, rule_code
    having
        count(*) > 1
        or sum(
            case
                when channels is null or clock is null then 1
                when clock not in ('customer', 'company') then 1
                when
                    rule_type = 'hours'
                    and length(allowed_from) = 5
                    and length(allowed_until) = 5
                    and allowed_from between '00:00' and '23:59'
                    and allowed_until between allowed_from and '24:00'
                    and substr(allowed_from, 3, 1) = ':'
                    and substr(allowed_until, 3, 1) = ':'
                    and is_until_allowed is not null
                    then 0
                when
                    rule_type = 'frequency'
                    and window_days > 0
                    and maximum_count >= 0
                    and counted in ('attempts', 'connects')
                    and counted_per in ('customer', 'document')
                    then 0
                when
                    rule_type = 'pause'
                    and window_days > 0
                    and counted = 'conversations'
                    and counted_per in ('customer', 'document')
                    then 0
                else 1
            end
        ) > 0
),

channels_unknown as (
    select
        'contact_rules' as seed,
        'an unknown channel: ' || rule_pack || ', ' || rule_code as fault
    from contact_rules
    where
        channels <> '*'
        and replace(
            {%- for channel in [
                'phone', 'sms', 'email', 'letter', 'visit', 'messaging', 'legal'
            ] %}replace({% endfor -%}
            '|' || replace(channels, '|', '||') || '|'
            {%- for channel in [
                'phone', 'sms', 'email', 'letter', 'visit', 'messaging', 'legal'
            ] %}, '|{{ channel }}|', ''){% endfor -%}
            , '|', '!'
        ) <> ''
),

zones_missing as (
    select
        'contact_zones' as seed,
        'no zone for customers without one: ' || contact_rule_packs.rule_pack as fault
    from contact_rule_packs
    left join contact_zones
        on contact_rule_packs.rule_pack = contact_zones.rule_pack
    where contact_zones.timezone is null
),

zones_repeated as (
    select
        'contact_zones' as seed,
        'repeated: ' || rule_pack || ', ' || timezone as fault
    from contact_zones
    group by rule_pack, timezone
    having count(*) > 1
),

credit_rules_wrong as (
    select
        'credit_rules' as seed,
        'expected one row of positive numbers, and a grade from A to E or none for the insolvent'
            as fault
    from credit_rules
    having
        count(*) <> 1
        or sum(
            case
                when
                    history_months > 0
                    and minimum_paid_item_count > 0
                    and coalesce(insolvent_grade in ('A', 'B', 'C', 'D', 'E'), true)
                    then 0
                else 1
            end
        ) > 0
),

credit_grade_parts_wrong as (
    select
        'credit_grade_parts' as seed,
        'expected days_late, on_time, broken_promises, disputes, limit_utilisation and insolvency, '
        || 'each once, with a weight of 0 or more, 100 in all, and two different values' as fault
    from credit_grade_parts
    having
        count(*) <> 6
        or count(distinct grade_part) <> 6
        or sum(weight) <> 100
        or sum(
            case
                when
                    grade_part in (
                        'days_late', 'on_time', 'broken_promises', 'disputes', 'limit_utilisation',
                        'insolvency'
                    )
                    and weight >= 0
                    and full_points_at <> no_points_at
                    then 0
                else 1
            end
        ) > 0
),

credit_grades_followed as (
    select
        *,
        lag(minimum_score) over (order by credit_grade_order) as previous_minimum_score,
        lag(credit_grade) over (order by credit_grade_order) as previous_credit_grade
    from credit_grades
),

-- Every score from 0 to 100 is in one grade: minimums fall from A to E, and the last is 0.
credit_grades_wrong as (
    select
        'credit_grades' as seed,
        'expected A to E in order, A from 100 or less, and unrated without a minimum' as fault
    from credit_grades_followed
    having
        count(*) <> 6
        or count(distinct credit_grade) <> 6
        or count(distinct credit_grade_order) <> 6
        or sum(
            case
                when credit_grade = 'unrated' and minimum_score is null then 0
                when credit_grade = 'A' and minimum_score <= 100 then 0
                when credit_grade in ('B', 'C', 'D', 'E') and previous_credit_grade < credit_grade
                    then 0
                else 1
            end
        ) > 0
),

credit_grades_overlapping as (
    select
        'credit_grades' as seed,
        'overlap: ' || credit_grade || ' begins at '
        || coalesce(cast(minimum_score as varchar), 'no score') || ', not below '
        || previous_credit_grade as fault
    from credit_grades_followed
    where
        credit_grade in ('B', 'C', 'D', 'E')
        and coalesce(minimum_score >= previous_minimum_score, true)
),

credit_grades_ending as (
    select
        'credit_grades' as seed,
        'gap: nothing holds scores below ' || cast(minimum_score as varchar) as fault
    from credit_grades
    where
        credit_grade = 'E'
        and minimum_score <> 0
),

strategy_rules_wrong as (
    select
        'strategy_rules' as seed,
        'expected one row, numbers above 0, contact_pause_days of 0 or more, a poor grade from A '
        || 'to E' as fault
    from strategy_rules
    having
        count(*) <> 1
        or sum(
            case
                when
                    large_amount_from > 0
                    and collected_within_days > 0
                    and expected_history_months > 0
                    and contact_pause_days >= 0
                    and broken_promise_days > 0
                    and poor_grade_from in ('A', 'B', 'C', 'D', 'E')
                    and long_past_due_days > 0
                    then 0
                else 1
            end
        ) > 0
),

strategies_wrong as (
    select
        'strategies' as seed,
        'repeated, a channel, tone or role that nobody knows, no deadline, or channels not in '
        || 'order: ' || strategy_code as fault
    from strategies
    group by strategy_code
    having
        count(*) > 1
        or sum(
            case
                when
                    first_channel in (
                        'phone', 'sms', 'email', 'letter', 'visit', 'messaging', 'legal'
                    )
                    and coalesce(
                        second_channel in (
                            'phone', 'sms', 'email', 'letter', 'visit', 'messaging', 'legal'
                        ),
                        third_channel is null
                    )
                    and coalesce(
                        third_channel in (
                            'phone', 'sms', 'email', 'letter', 'visit', 'messaging', 'legal'
                        ),
                        true
                    )
                    and tone in ('friendly', 'firm', 'formal')
                    and responsible_role in ('manager', 'collector', 'assistant', 'legal')
                    and deadline_days > 0
                    then 0
                else 1
            end
        ) > 0
),

strategies_named as (
    select
        'strategies' as seed,
        escalation_strategy_code as strategy_code
    from strategies
    union all
    select
        'strategies' as seed,
        fallback_strategy_code as strategy_code
    from strategies
    union all
    select
        'strategy_matrix' as seed,
        strategy_code
    from strategy_matrix
),

strategies_unknown as (
    select
        strategies_named.seed,
        'no such strategy: ' || strategies_named.strategy_code as fault
    from strategies_named
    left join strategies
        on strategies_named.strategy_code = strategies.strategy_code
    where
        strategies.strategy_code is null
        and strategies_named.strategy_code is not null
),

amount_classes as (
    select 'large' as amount_class
    union all
    select 'small' as amount_class
),

matrix_cells as (
    select
        credit_grades.credit_grade,
        bucket_seed.aging_bucket,
        amount_classes.amount_class
    from credit_grades
    cross join bucket_seed
    cross join amount_classes
    where bucket_seed.bucket_set = 'days'
),

matrix_missing as (
    select
        'strategy_matrix' as seed,
        'no strategy for: ' || matrix_cells.credit_grade || ', ' || matrix_cells.aging_bucket
        || ', ' || matrix_cells.amount_class as fault
    from matrix_cells
    left join strategy_matrix
        on
            matrix_cells.credit_grade = strategy_matrix.credit_grade
            and matrix_cells.aging_bucket = strategy_matrix.aging_bucket
            and matrix_cells.amount_class = strategy_matrix.amount_class
    where strategy_matrix.strategy_code is null
),

matrix_unknown as (
    select
        'strategy_matrix' as seed,
        'no such grade, bucket or amount class: ' || strategy_matrix.credit_grade || ', '
        || strategy_matrix.aging_bucket || ', ' || strategy_matrix.amount_class as fault
    from strategy_matrix
    left join matrix_cells
        on
            strategy_matrix.credit_grade = matrix_cells.credit_grade
            and strategy_matrix.aging_bucket = matrix_cells.aging_bucket
            and strategy_matrix.amount_class = matrix_cells.amount_class
    where matrix_cells.credit_grade is null
),

matrix_repeated as (
    select
        'strategy_matrix' as seed,
        'repeated: ' || credit_grade || ', ' || aging_bucket || ', ' || amount_class as fault
    from strategy_matrix
    group by credit_grade, aging_bucket, amount_class
    having count(*) > 1
),

worklist_reasons_wrong as (
    select
        'worklist_reasons' as seed,
        'expected the ten reasons that the seed describes, each once, with points of 0 or more, '
        || 'and an action for past_due' as fault
    from worklist_reasons
    having
        count(*) <> 10
        or count(distinct reason_code) <> 10
        or count(distinct reason_order) <> 10
        or sum(
            case
                when
                    reason_code in (
                        'insolvent', 'broken_promise', 'promise_due', 'open_dispute', 'over_limit',
                        'past_due', 'large_amount', 'poor_grade', 'long_past_due',
                        'never_contacted'
                    )
                    and score_points >= 0
                    and (reason_code <> 'past_due' or action_code is not null)
                    then 0
                else 1
            end
        ) > 0
),

incentive_tiers_followed as (
    select
        *,
        lag(incentive_tier) over (
            order by attained_from_rate nulls first, incentive_tier
        ) as previous_tier,
        lag(attained_from_rate) over (
            order by attained_from_rate nulls first, incentive_tier
        ) as previous_from_rate
    from {{ ref('incentive_tiers') }}
),

incentive_tiers_wrong as (
    select
        'incentive_tiers' as seed,
        'repeated, or no rate from 0 to 1: ' || coalesce(incentive_tier, 'none') as fault
    from incentive_tiers_followed
    group by incentive_tier
    having
        count(*) > 1
        or sum(case when incentive_rate >= 0 and incentive_rate <= 1 then 0 else 1 end) > 0
),

incentive_tiers_beginning as (
    select
        'incentive_tiers' as seed,
        'gap: nothing holds an attainment below '
        || coalesce(cast(min(attained_from_rate) as varchar), 'any bound') as fault
    from incentive_tiers_followed
    having coalesce(sum(case when attained_from_rate is null then 1 else 0 end), 0) = 0
),

incentive_tiers_overlapping as (
    select
        'incentive_tiers' as seed,
        'overlap: ' || previous_tier || ' and ' || incentive_tier || ' both begin at '
        || coalesce(cast(attained_from_rate as varchar), 'no bound') as fault
    from incentive_tiers_followed
    where
        previous_tier is not null
        and coalesce(attained_from_rate = previous_from_rate, attained_from_rate is null)
),

incentive_gates_wrong as (
    select
        'incentive_gates' as seed,
        'expected compliance_breach, upheld_complaint and training_not_passed once each, with an '
        || 'allowed_count of 0 or more and a withheld_rate from 0 to 1' as fault
    from {{ ref('incentive_gates') }}
    having
        count(*) <> 3
        or count(distinct incentive_gate) <> 3
        or sum(
            case
                when
                    incentive_gate in (
                        'compliance_breach', 'upheld_complaint', 'training_not_passed'
                    )
                    and allowed_count >= 0
                    and withheld_rate between 0 and 1
                    then 1
                else 0
            end
        ) <> 3
),

target_measures_wrong as (
    select
        'target_measures' as seed,
        'repeated, or an unknown comparison, or unset: ' || measure as fault
    from {{ ref('target_measures') }}
    group by measure
    having
        count(*) > 1
        or sum(
            case
                when
                    target_comparison in ('at_least', 'at_most', 'below')
                    and is_additive is not null
                    then 0
                else 1
            end
        ) > 0
),

{%- set parts = [
    'aging_rules_wrong',
    'rates_missing',
    'rates_unknown',
    'rates_out_of_range',
    'rates_repeated',
    'loss_rate_rules_wrong',
    'methods_unknown',
    'methods_repeated',
    'methods_without_set',
    'methods_not_booked',
    'allowance_rules_wrong',
    'provisions_incomplete',
    'provisions_repeated',
    'provisions_overlapping',
    'buckets_wrong',
    'buckets_repeated',
    'buckets_overlapping',
    'buckets_ending',
    'promise_rules_wrong',
    'attribution_methods_wrong',
    'outcomes_unknown',
    'outcomes_missing',
    'outcomes_wrong',
    'targets_wrong',
    'targets_disordered',
    'comparisons_wrong',
    'measure_rules_wrong',
    'packs_wrong',
    'contact_rules_wrong',
    'channels_unknown',
    'zones_missing',
    'zones_repeated',
    'success_rules_wrong',
    'forecast_rules_wrong',
    'credit_rules_wrong',
    'credit_grade_parts_wrong',
    'credit_grades_wrong',
    'credit_grades_overlapping',
    'credit_grades_ending',
    'strategy_rules_wrong',
    'strategies_wrong',
    'strategies_unknown',
    'matrix_missing',
    'matrix_unknown',
    'matrix_repeated',
    'worklist_reasons_wrong',
    'incentive_tiers_wrong',
    'incentive_tiers_beginning',
    'incentive_tiers_overlapping',
    'incentive_gates_wrong',
    'target_measures_wrong',
] %}

faults as (
    {%- for part in parts %}
        select
            seed,
            fault
        from {{ part }}
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
)

{{ stop_at_faults('faults', "seed || ': ' || coalesce(fault, 'a row without a key')") }}
