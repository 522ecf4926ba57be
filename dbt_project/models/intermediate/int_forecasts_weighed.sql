-- Grain: one row per origin, company and week after it, with the cash expected by way of expecting
-- it and what its amounts may vary by.
-- What is later than its customer's habit follows its cohort: of a segment's cash and write-offs at
-- later ages than an item's, the share that was cash of that week. An amount expected in a week is
-- taken to come in it or not, whatever the others do: it varies by its square times p (1 - p).
{%- set week_of = 'cast(floor((day_count - 1) / 7) as integer) + 1' %}
with items as (
    select * from {{ ref('int_items_forecast') }}
),

cash_delayed as (
    select * from {{ ref('int_cash_delayed') }}
),

forecast_rules as (
    select * from {{ ref('forecast_rules') }}
),

horizons as (
    select
        items.origin_date,
        max(forecast_rules.in_time_rate) as in_time_rate,
        max(
            greatest(
                forecast_rules.week_count,
                cast(
                    ceil({{ days_between(
                        'items.origin_date',
                        half_year_end(add_days('items.origin_date', '1'))
                    ) }} / 7) as integer
                )
            )
        ) as week_count
    from items
    cross join forecast_rules
    group by items.origin_date
),

dated as (
    select
        origin_date,
        company_code,
        'promise' as expectation,
        promise_amount as amount,
        {{ days_between('origin_date', 'promised_date') }} as day_count
    from items
    where promise_amount > 0
    union all
    select
        origin_date,
        company_code,
        'habit' as expectation,
        rest_amount as amount,
        {{ days_between('origin_date', 'expected_date') }} as day_count
    from items
    where
        rest_amount > 0
        and expected_date > origin_date
),

expected_on_a_day as (
    select
        dated.origin_date,
        dated.company_code,
        {{ week_of }} as week_no,
        dated.expectation,
        dated.amount as expected_amount,
        cast(dated.amount as decimal(20, 2)) * dated.amount as squared_amount,
        horizons.in_time_rate as probability
    from dated
    inner join horizons
        on dated.origin_date = horizons.origin_date
),

cohorts as (
    select
        origin_date,
        company_code,
        segment,
        cast(floor({{ days_between('due_date', 'origin_date') }} / 7) as integer) as weeks_late,
        sum(rest_amount) as amount,
        sum(cast(rest_amount as decimal(20, 2)) * rest_amount) as squared_amount
    from items
    where
        rest_amount > 0
        and expected_date <= origin_date
    group by
        origin_date,
        company_code,
        segment,
        cast(floor({{ days_between('due_date', 'origin_date') }} / 7) as integer)
),

pattern as (
    select
        origin_date,
        segment,
        cast(floor(delay_days / 7) as integer) as weeks_late,
        sum(case when is_write_off then 0 else amount end) as paid_amount,
        sum(amount) as ended_amount
    from cash_delayed
    group by origin_date, segment, cast(floor(delay_days / 7) as integer)
),

ages as (
    select
        origin_date,
        segment,
        weeks_late
    from cohorts
    group by origin_date, segment, weeks_late
),

ages_left as (
    select
        {{ columns_of(['origin_date', 'segment', 'weeks_late'], 'ages') }},
        sum(pattern.ended_amount) as left_amount
    from ages
    inner join pattern
        on
            ages.origin_date = pattern.origin_date
            and ages.segment = pattern.segment
            and ages.weeks_late < pattern.weeks_late
    group by {{ columns_of(['origin_date', 'segment', 'weeks_late'], 'ages') }}
    having sum(pattern.ended_amount) > 0
),

shares as (
    select
        ages_left.origin_date,
        ages_left.segment,
        ages_left.weeks_late,
        pattern.weeks_late - ages_left.weeks_late as week_no,
        {{ exact_ratio('greatest(pattern.paid_amount, 0)', 'ages_left.left_amount') }}
            as paid_share
    from ages_left
    inner join pattern
        on
            ages_left.origin_date = pattern.origin_date
            and ages_left.segment = pattern.segment
            and ages_left.weeks_late < pattern.weeks_late
),

expected_by_cohort as (
    select
        cohorts.origin_date,
        cohorts.company_code,
        shares.week_no,
        'cohort' as expectation,
        cast(cohorts.amount as decimal(28, 2)) * least(shares.paid_share, 1) as expected_amount,
        cohorts.squared_amount,
        least(shares.paid_share, 1) as probability
    from cohorts
    inner join shares
        on
            cohorts.origin_date = shares.origin_date
            and cohorts.segment = shares.segment
            and cohorts.weeks_late = shares.weeks_late
),

expected as (
    select
        origin_date,
        company_code,
        week_no,
        expectation,
        cast(expected_amount as decimal(38, 8)) as expected_amount,
        squared_amount,
        cast(probability as double) as probability
    from expected_on_a_day
    union all
    select
        origin_date,
        company_code,
        week_no,
        expectation,
        cast(expected_amount as decimal(38, 8)) as expected_amount,
        squared_amount,
        cast(probability as double) as probability
    from expected_by_cohort
),

companies as (
    select
        origin_date,
        company_code
    from items
    group by origin_date, company_code
),

weeks as (
    select
        companies.origin_date,
        companies.company_code,
        {{ explode_integers('1', 'horizons.week_count') }} as week_no
    from companies
    inner join horizons
        on companies.origin_date = horizons.origin_date
),

summed as (
    select
        origin_date,
        company_code,
        week_no,
        {%- for expectation in ['promise', 'habit', 'cohort'] %}
            sum(case when expectation = '{{ expectation }}' then expected_amount else 0 end)
                as {{ expectation }}_amount,
        {%- endfor %}
        -- Squares of small amounts need more decimals, and of great ones more digits, than one
        -- decimal has. Doubles are only multiplied: their sum would depend on its order.
        sum(
            cast(
                cast(squared_amount as double) * probability * (1 - probability) as decimal(38, 8)
            )
        ) as variance
    from expected
    group by origin_date, company_code, week_no
),

rounded as (
    select
        weeks.origin_date,
        weeks.company_code,
        weeks.week_no,
        {%- for expectation in ['promise', 'habit', 'cohort'] %}
            {{ round_half_away('coalesce(summed.' ~ expectation ~ '_amount, 0)') }}
                as {{ expectation }}_amount,
        {%- endfor %}
        cast(
            forecast_rules.interval_deviations
            * cast(
                round(sqrt(cast(coalesce(summed.variance, 0) as double)), 2) as decimal(28, 2)
            )
            as decimal(18, 2)
        ) as interval_amount
    from weeks
    cross join forecast_rules
    left join summed
        on
            weeks.origin_date = summed.origin_date
            and weeks.company_code = summed.company_code
            and weeks.week_no = summed.week_no
),

final as (
    select
        origin_date,
        company_code,
        cast(week_no as integer) as week_no,
        {{ add_days('origin_date', 'week_no * 7 - 6') }} as week_start,
        {{ add_days('origin_date', 'week_no * 7') }} as week_end,
        promise_amount,
        habit_amount,
        cohort_amount,
        cast(promise_amount + habit_amount + cohort_amount as decimal(18, 2)) as forecast_amount,
        cast(
            greatest(promise_amount + habit_amount + cohort_amount - interval_amount, 0)
            as decimal(18, 2)
        ) as lower_amount,
        cast(
            promise_amount + habit_amount + cohort_amount + interval_amount as decimal(18, 2)
        ) as upper_amount
    from rounded
)

select * from final
