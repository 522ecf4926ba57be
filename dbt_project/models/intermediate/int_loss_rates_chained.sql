-- Grain: one row per knowledge, company, segment (`all` for the whole company), complete month,
-- bucket set and bucket, empty buckets included. Knowledge is what the run knows (`now`), or what
-- was known at the month's end (`then`, of months at whose end anything was known).
-- The roll rate is that of the trailing months added up. What is expected to be lost of a bucket is
-- the product of the roll rates from it to the last bucket, each from 0 to 1, times what is lost of
-- the last; every step is rounded to eight decimals. The forward-looking factor stands apart.
{%- set of_segment = [
    'knowledge', 'as_of_date', 'month_start', 'month_end', 'company_code', 'segment',
    'trailing_months', 'loss_given_last_rate', 'forward_looking_factor'
] %}
{%- set of_bucket = ['bucket_set', 'aging_bucket', 'aging_bucket_order'] %}
with recursive roll_rates as (
    select * from {{ ref('aging_roll_rates_by_month') }}
    where
        is_complete
        and scope_type in ('company', 'segment')
),

-- What was known otherwise at a month's end, of that month and of those before it.
reviewed as (
    select * from {{ ref('int_migrations_reviewed') }}
),

companies_known as (
    select * from {{ ref('int_companies_known') }}
),

months as (
    select * from {{ ref('int_periods_listed') }}
    where
        period_type = 'month'
        and is_complete
),

buckets as (
    select * from {{ ref('dim_aging_buckets') }}
    where is_aged
),

rules as (
    select * from {{ ref('loss_rate_rules') }}
),

default_rules as (
    select * from rules
    where segment = '*'
),

rolled as (
    select
        as_of_date,
        month_start,
        month_end,
        company_code,
        case when scope_type = 'company' then 'all' else scope_id end as segment,
        bucket_set,
        aging_bucket,
        roll_rate_numerator as rolled_amount,
        roll_rate_denominator as opening_amount,
        rate_status
    from roll_rates
),

segments_known as (
    select
        company_code,
        segment
    from rolled
    union
    select
        company_code,
        segment
    from reviewed
),

-- Every month as known now in which the segment had anything, and every month as known then.
segment_months as (
    select
        'now' as knowledge,
        as_of_date,
        month_start,
        month_end,
        company_code,
        segment
    from rolled
    group by as_of_date, month_start, month_end, company_code, segment
    union all
    select
        'then' as knowledge,
        months.as_of_date,
        months.period_start as month_start,
        months.period_end as month_end,
        months.company_code,
        segments_known.segment
    from months
    inner join companies_known
        on months.company_code = companies_known.company_code
    inner join segments_known
        on months.company_code = segments_known.company_code
    where months.period_start >= companies_known.first_known_month
),

ruled as (
    select
        segment_months.*,
        coalesce(rules.trailing_months, default_rules.trailing_months) as trailing_months,
        coalesce(rules.loss_given_last_rate, default_rules.loss_given_last_rate)
            as loss_given_last_rate,
        coalesce(rules.forward_looking_factor, default_rules.forward_looking_factor)
            as forward_looking_factor
    from segment_months
    cross join default_rules
    left join rules
        on
            segment_months.segment = rules.segment
            and rules.segment not in ('*', 'all')
),

-- A month and those before it, each as it was known when the first one was over. How far back the
-- history goes is asked of the whole company only.
pieces as (
    select
        ruled.knowledge,
        ruled.company_code,
        ruled.segment,
        ruled.month_start as known_month_start,
        rolled.month_start,
        rolled.bucket_set,
        rolled.aging_bucket,
        rolled.rolled_amount,
        rolled.opening_amount,
        rolled.rate_status
    from ruled
    inner join rolled
        on
            ruled.company_code = rolled.company_code
            and ruled.segment = rolled.segment
            and ruled.month_start >= rolled.month_start
            and (
                ruled.segment = 'all'
                or {{ months_between('rolled.month_start', 'ruled.month_start') }}
                < ruled.trailing_months
            )
    union all
    select
        'then' as knowledge,
        company_code,
        segment,
        known_month_start,
        month_start,
        bucket_set,
        aging_bucket,
        rolled_amount,
        opening_amount,
        'ok' as rate_status
    from reviewed
),

earlier as (
    select
        knowledge,
        company_code,
        segment,
        known_month_start,
        month_start,
        bucket_set,
        aging_bucket,
        sum(rolled_amount) as rolled_amount,
        sum(opening_amount) as opening_amount,
        max(rate_status) as rate_status
    from pieces
    group by
        knowledge,
        company_code,
        segment,
        known_month_start,
        month_start,
        bucket_set,
        aging_bucket
),

-- The first month of the books opens with nothing: history begins with the next.
histories as (
    select
        knowledge,
        company_code,
        known_month_start,
        min(month_start) as first_opening_month
    from earlier
    where
        segment = 'all'
        and opening_amount <> 0
    group by knowledge, company_code, known_month_start
),

over_trailing_months as (
    select
        {{ columns_of(of_segment, 'ruled') }},
        {{ columns_of(of_bucket, 'buckets') }},
        sum(earlier.rolled_amount) as rolled_amount,
        sum(earlier.opening_amount) as opened_amount,
        max(earlier.rate_status) as rate_status
    from ruled
    cross join buckets
    left join earlier
        on
            ruled.knowledge = earlier.knowledge
            and ruled.company_code = earlier.company_code
            and ruled.segment = earlier.segment
            and ruled.month_start = earlier.known_month_start
            and buckets.bucket_set = earlier.bucket_set
            and buckets.aging_bucket = earlier.aging_bucket
            and {{ months_between('earlier.month_start', 'ruled.month_start') }}
            < ruled.trailing_months
    group by
        {{ columns_of(of_segment, 'ruled') }},
        {{ columns_of(of_bucket, 'buckets') }}
),

judged as (
    select
        over_trailing_months.*,
        coalesce(
            {{ months_between(
                'histories.first_opening_month', 'over_trailing_months.month_start'
            ) }} + 1 >= over_trailing_months.trailing_months,
            false
        ) as is_history_long_enough
    from over_trailing_months
    left join histories
        on
            over_trailing_months.knowledge = histories.knowledge
            and over_trailing_months.company_code = histories.company_code
            and over_trailing_months.month_start = histories.known_month_start
),

parted as (
    select
        *,
        case when is_history_long_enough then coalesce(rolled_amount, 0) end
            as roll_rate_numerator,
        case when is_history_long_enough then coalesce(opened_amount, 0) end
            as roll_rate_denominator,
        row_number() over (
            partition by knowledge, company_code, segment, month_start, bucket_set
            order by aging_bucket_order desc
        ) as position_from_last
    from judged
),

rated as (
    select
        {{ columns_of(of_segment) }},
        {{ columns_of(of_bucket) }},
        position_from_last,
        coalesce(rate_status, 'ok') as rate_status,
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
            rated.knowledge = chained.knowledge
            and rated.company_code = chained.company_code
            and rated.segment = chained.segment
            and rated.month_start = chained.month_start
            and rated.bucket_set = chained.bucket_set
            and rated.position_from_last = chained.position_from_last + 1
),

final as (
    select
        knowledge,
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
