-- Fails with one row per fault in the business constants.
with allowance_methods as (
    select * from {{ ref('allowance_methods') }}
),

loss_rates as (
    select * from {{ ref('loss_rates') }}
),

loss_rate_rules as (
    select * from {{ ref('loss_rate_rules') }}
),

aging_buckets as (
    select * from {{ ref('dim_aging_buckets') }}
),

aging_rules as (
    select * from {{ ref('aging_rules') }}
),

bucket_seed as (
    select * from {{ ref('aging_buckets') }}
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

rates_needed as (
    select
        allowance_methods.allowance_method,
        aging_buckets.aging_bucket
    from allowance_methods
    inner join aging_buckets
        on allowance_methods.bucket_set = aging_buckets.bucket_set
    union all
    select
        allowance_method,
        'all' as aging_bucket
    from allowance_methods
    where allowance_method in ('percent_of_receivables', 'percent_of_sales')
),

rates_missing as (
    select
        'loss_rates' as seed,
        'no rate for every segment (*): ' || rates_needed.allowance_method
        || ', ' || rates_needed.aging_bucket as fault
    from rates_needed
    left join loss_rates
        on
            rates_needed.allowance_method = loss_rates.allowance_method
            and rates_needed.aging_bucket = loss_rates.aging_bucket
            and loss_rates.segment = '*'
    where loss_rates.loss_rate is null
),

rates_unknown as (
    select
        'loss_rates' as seed,
        'no such method or bucket: ' || loss_rates.allowance_method
        || ', ' || loss_rates.aging_bucket as fault
    from loss_rates
    left join rates_needed
        on
            loss_rates.allowance_method = rates_needed.allowance_method
            and loss_rates.aging_bucket = rates_needed.aging_bucket
    where rates_needed.aging_bucket is null
),

rates_out_of_range as (
    select
        'loss_rates' as seed,
        'not from 0 to 1: ' || allowance_method || ', ' || segment || ', ' || aging_bucket as fault
    from loss_rates
    where loss_rate is null or loss_rate < 0 or loss_rate > 1
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

methods_wrong as (
    select
        'allowance_methods' as seed,
        'expected the methods aging (with a bucket set), percent_of_receivables, percent_of_sales '
        || 'and direct_write_off, each at most once, one of them booked' as fault
    from allowance_methods
    having
        sum(case when is_booked then 1 else 0 end) <> 1
        or count(distinct allowance_method) <> count(*)
        or sum(
            case
                when allowance_method = 'aging' and bucket_set is not null then 0
                when
                    allowance_method in (
                        'percent_of_receivables', 'percent_of_sales', 'direct_write_off'
                    )
                    and bucket_set is null
                    then 0
                else 1
            end
        ) > 0
),

buckets_followed as (
    select
        *,
        lag(upper_bound) over (
            partition by bucket_set order by aging_bucket_order
        ) as previous_upper_bound,
        row_number() over (
            partition by bucket_set order by aging_bucket_order desc
        ) as position_from_last
    from bucket_seed
),

-- What makes a set total and disjoint, whatever bounds a company gives it.
buckets_wrong as (
    select
        'aging_buckets' as seed,
        'expected bounds of one unit (day, month) that rise to a last bucket without one, and '
        || 'names of their own, in set: ' || bucket_set as fault
    from buckets_followed
    group by bucket_set
    having
        count(distinct aging_bucket) <> count(*)
        or count(distinct aging_bucket_order) <> count(*)
        or count(distinct unit) <> 1
        or sum(
            case
                when unit not in ('day', 'month') then 1
                when aging_bucket in ('unapplied_cash', 'unapplied_credit') then 1
                when position_from_last = 1 and upper_bound is null then 0
                when
                    position_from_last > 1
                    and upper_bound > coalesce(previous_upper_bound, upper_bound - 1)
                    then 0
                else 1
            end
        ) > 0
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
        'expected portfolio_owner and last_touch (with window_days of 0 or more), '
        || 'one of them the headline' as fault
    from attribution_methods
    having
        count(*) <> 2
        or sum(case when is_headline then 1 else 0 end) <> 1
        or sum(case when attribution_method = 'portfolio_owner' then 1 else 0 end) <> 1
        or sum(
            case when attribution_method = 'last_touch' and window_days >= 0 then 1 else 0 end
        ) <> 1
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
    having sum(case when segment = '*' then 1 else 0 end) <> 1
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

{%- set parts = [
    'aging_rules_wrong', 'rates_missing', 'rates_unknown', 'rates_out_of_range',
    'rates_repeated', 'loss_rate_rules_wrong', 'methods_wrong', 'buckets_wrong',
    'promise_rules_wrong', 'attribution_methods_wrong', 'outcomes_wrong', 'targets_wrong',
    'measure_rules_wrong',
    'packs_wrong', 'contact_rules_wrong', 'channels_unknown', 'zones_missing', 'zones_repeated',
    'success_rules_wrong'
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

select * from faults
