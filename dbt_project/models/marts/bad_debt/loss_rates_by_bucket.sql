-- Grain: one row per company, segment (`all` for the whole company), complete month, bucket set and
-- bucket, empty buckets included.
-- The roll rate is that of the trailing months added up. What is expected to be lost of a bucket is
-- the product of the roll rates from it to the last bucket, each from 0 to 1, times what is lost of
-- the last; every step is rounded to eight decimals. The forward-looking factor stands apart.
with recursive roll_rates as (
    select * from {{ ref('aging_roll_rates_by_month') }}
    where
        is_complete
        and scope_type in ('company', 'segment')
),

rules as (
    select * from {{ ref('loss_rate_rules') }}
),

default_rules as (
    select * from rules
    where segment = '*'
),

histories as (
    select
        company_code,
        min(month_start) as history_start_month
    from roll_rates
    group by company_code
),

ruled as (
    select
        roll_rates.as_of_date,
        roll_rates.month_start,
        roll_rates.month_end,
        roll_rates.company_code,
        case
            when roll_rates.scope_type = 'company' then 'all'
            else roll_rates.scope_id
        end as segment,
        roll_rates.bucket_set,
        roll_rates.aging_bucket,
        roll_rates.aging_bucket_order,
        roll_rates.roll_rate_numerator,
        roll_rates.roll_rate_denominator,
        roll_rates.rate_status,
        coalesce(rules.trailing_months, default_rules.trailing_months) as trailing_months,
        coalesce(rules.loss_given_last_rate, default_rules.loss_given_last_rate)
            as loss_given_last_rate,
        coalesce(rules.forward_looking_factor, default_rules.forward_looking_factor)
            as forward_looking_factor,
        histories.history_start_month
    from roll_rates
    cross join default_rules
    inner join histories
        on roll_rates.company_code = histories.company_code
    left join rules
        on
            roll_rates.scope_type = 'segment'
            and roll_rates.scope_id = rules.segment
            and rules.segment <> '*'
),

over_trailing_months as (
    select
        ruled.as_of_date,
        ruled.month_start,
        ruled.month_end,
        ruled.company_code,
        ruled.segment,
        ruled.bucket_set,
        ruled.aging_bucket,
        ruled.aging_bucket_order,
        ruled.trailing_months,
        ruled.loss_given_last_rate,
        ruled.forward_looking_factor,
        {{ months_between('ruled.history_start_month', 'ruled.month_start') }}
        >= ruled.trailing_months as is_history_long_enough,
        sum(earlier.roll_rate_numerator) as rolled_amount,
        sum(earlier.roll_rate_denominator) as opened_amount,
        max(earlier.rate_status) as rate_status
    from ruled
    inner join ruled as earlier
        on
            ruled.company_code = earlier.company_code
            and ruled.segment = earlier.segment
            and ruled.bucket_set = earlier.bucket_set
            and ruled.aging_bucket = earlier.aging_bucket
            and ruled.month_start >= earlier.month_start
            and {{ months_between('earlier.month_start', 'ruled.month_start') }}
            < ruled.trailing_months
    group by
        ruled.as_of_date,
        ruled.month_start,
        ruled.month_end,
        ruled.company_code,
        ruled.segment,
        ruled.bucket_set,
        ruled.aging_bucket,
        ruled.aging_bucket_order,
        ruled.trailing_months,
        ruled.loss_given_last_rate,
        ruled.forward_looking_factor,
        ruled.history_start_month
),

parted as (
    select
        *,
        case when is_history_long_enough then rolled_amount end as roll_rate_numerator,
        case when is_history_long_enough then opened_amount end as roll_rate_denominator,
        row_number() over (
            partition by company_code, segment, month_start, bucket_set
            order by aging_bucket_order desc
        ) as position_from_last
    from over_trailing_months
),

rated as (
    select
        as_of_date,
        month_start,
        month_end,
        company_code,
        segment,
        bucket_set,
        aging_bucket,
        aging_bucket_order,
        trailing_months,
        loss_given_last_rate,
        forward_looking_factor,
        position_from_last,
        rate_status,
        {{ measure_columns('roll_rate', missing="'insufficient_history'") }}
    from parted
),

-- From the last bucket to the first. A status other than `ok` is handed on to the buckets before.
chained as (
    select
        *,
        case
            when roll_rate_status = 'insufficient_history' then null
            else cast(loss_given_last_rate as decimal(18, 8))
        end as loss_rate,
        case
            when roll_rate_status = 'insufficient_history' then roll_rate_status
            else 'ok'
        end as loss_rate_status
    from rated
    where position_from_last = 1
    union all
    select
        rated.*,
        case
            when rated.roll_rate_status = 'ok' and chained.loss_rate_status = 'ok'
                then
                    cast(
                        round(least(greatest(rated.roll_rate, 0), 1) * chained.loss_rate, 8)
                        as decimal(18, 8)
                    )
        end as loss_rate,
        case
            when rated.roll_rate_status <> 'ok' then rated.roll_rate_status
            else chained.loss_rate_status
        end as loss_rate_status
    from rated
    inner join chained
        on
            rated.company_code = chained.company_code
            and rated.segment = chained.segment
            and rated.month_start = chained.month_start
            and rated.bucket_set = chained.bucket_set
            and rated.position_from_last = chained.position_from_last + 1
),

final as (
    select
        as_of_date,
        month_start,
        month_end,
        company_code,
        segment,
        bucket_set,
        aging_bucket,
        aging_bucket_order,
        cast(trailing_months as integer) as trailing_months,
        roll_rate,
        roll_rate_numerator,
        roll_rate_denominator,
        roll_rate_status,
        cast(loss_given_last_rate as decimal(18, 8)) as loss_given_last_rate,
        loss_rate,
        loss_rate_status,
        cast(forward_looking_factor as decimal(18, 8)) as forward_looking_factor,
        case
            when loss_rate_status = 'ok'
                then
                    cast(
                        least(round(loss_rate * forward_looking_factor, 8), 1) as decimal(18, 8)
                    )
        end as adjusted_loss_rate,
        loss_rate_status as adjusted_loss_rate_status,
        rate_status
    from chained
)

select * from final
