-- Grain: one row per company, scope, month, bucket set and bucket, empty buckets included. Credits
-- stand apart from aging and are not here.
with balances as (
    select * from {{ ref('int_balances_sliced') }}
    where credit_class_code is null
),

ages as (
    select * from {{ ref('int_ages_bucketed') }}
),

buckets as (
    select * from {{ ref('dim_aging_buckets') }}
    where is_aged
),

months as (
    select * from {{ ref('int_periods_listed') }}
    where period_type = 'month'
),

aging_rules as (
    select * from {{ ref('aging_rules') }}
),

aged as (
    select
        balances.company_code,
        balances.segment,
        balances.region,
        balances.team_id,
        balances.month_start,
        ages.bucket_set,
        ages.aging_bucket,
        sum(balances.open_amount) as open_amount,
        sum(case when balances.due_date < balances.measured_to_date then balances.open_amount end)
            as past_due_amount,
        sum(
            case
                when balances.due_date < balances.measured_to_date
                    then
                        balances.open_amount
                        * {{ days_between('balances.due_date', 'balances.measured_to_date') }}
            end
        ) as past_due_amount_days,
        sum(balances.unconverted_item_count) as unconverted_item_count
    from balances
    inner join ages
        on
            balances.measured_to_date = ages.as_of_date
            and balances.due_date = ages.basis_date
    group by
        balances.company_code,
        balances.segment,
        balances.region,
        balances.team_id,
        balances.month_start,
        ages.bucket_set,
        ages.aging_bucket
),

{%- set scopes = {
    'company': 'company_code', 'segment': 'segment', 'region': 'region', 'team': 'team_id'
} %}

scoped as (
    {%- for scope_type, scope_id in scopes.items() %}
        select
            *,
            '{{ scope_type }}' as scope_type,
            {{ scope_id }} as scope_id
        from aged
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

summed as (
    select
        company_code,
        scope_type,
        scope_id,
        month_start,
        bucket_set,
        aging_bucket,
        sum(open_amount) as open_amount,
        sum(past_due_amount) as past_due_amount,
        sum(past_due_amount_days) as past_due_amount_days,
        sum(unconverted_item_count) as unconverted_item_count
    from scoped
    group by company_code, scope_type, scope_id, month_start, bucket_set, aging_bucket
),

scopes as (
    select
        company_code,
        scope_type,
        scope_id,
        min(month_start) as first_month_start
    from summed
    group by company_code, scope_type, scope_id
),

-- From the first month in which a scope owed anything, so that growth has what it grew from.
listed as (
    select
        months.as_of_date,
        months.period_start as month_start,
        months.period_end as month_end,
        months.measured_to_date,
        months.is_complete,
        scopes.company_code,
        scopes.scope_type,
        scopes.scope_id,
        buckets.bucket_set,
        buckets.aging_bucket,
        buckets.aging_bucket_order,
        months.period_start > scopes.first_month_start as has_previous,
        coalesce(summed.open_amount, 0) as open_amount,
        coalesce(summed.past_due_amount, 0) as past_due_amount,
        coalesce(summed.past_due_amount_days, 0) as past_due_amount_days,
        coalesce(summed.unconverted_item_count, 0) as unconverted_item_count
    from scopes
    inner join months
        on
            scopes.company_code = months.company_code
            and scopes.first_month_start <= months.period_start
    cross join buckets
    left join summed
        on
            scopes.company_code = summed.company_code
            and scopes.scope_type = summed.scope_type
            and scopes.scope_id = summed.scope_id
            and months.period_start = summed.month_start
            and buckets.bucket_set = summed.bucket_set
            and buckets.aging_bucket = summed.aging_bucket
),

followed as (
    select
        *,
        sum(open_amount) over (
            partition by company_code, scope_type, scope_id, month_start, bucket_set
        ) as scope_open_amount,
        lag(open_amount) over (
            partition by company_code, scope_type, scope_id, bucket_set, aging_bucket
            order by month_start
        ) as previous_open_amount
    from listed
),

parts as (
    select
        followed.*,
        followed.open_amount as bucket_rate_numerator,
        followed.scope_open_amount as bucket_rate_denominator,
        followed.open_amount - followed.previous_open_amount as growth_rate_numerator,
        followed.previous_open_amount as growth_rate_denominator,
        lag(
            {{ ratio_value('followed.open_amount', 'followed.scope_open_amount') }}
        ) over (
            partition by
                followed.company_code,
                followed.scope_type,
                followed.scope_id,
                followed.bucket_set,
                followed.aging_bucket
            order by followed.month_start
        ) as previous_bucket_rate,
        aging_rules.bucket_surge_growth_rate
    from followed
    cross join aging_rules
),

measured as (
    select
        parts.as_of_date,
        parts.month_start,
        parts.month_end,
        parts.measured_to_date,
        parts.is_complete,
        parts.company_code,
        parts.scope_type,
        parts.scope_id,
        parts.bucket_set,
        parts.aging_bucket,
        parts.aging_bucket_order,
        parts.open_amount,
        parts.past_due_amount,
        parts.past_due_amount_days,
        parts.previous_open_amount,
        parts.previous_bucket_rate,
        parts.unconverted_item_count,
        parts.bucket_surge_growth_rate,
        {{ measure_columns('bucket_rate') }},
        {{ measure_columns('growth_rate', missing="'insufficient_history'") }}
    from parts
),

final as (
    select
        as_of_date,
        month_start,
        month_end,
        measured_to_date,
        is_complete,
        company_code,
        scope_type,
        scope_id,
        bucket_set,
        aging_bucket,
        cast(aging_bucket_order as integer) as aging_bucket_order,
        cast(open_amount as decimal(18, 2)) as open_amount,
        cast(previous_open_amount as decimal(18, 2)) as previous_open_amount,
        cast(open_amount - previous_open_amount as decimal(18, 2)) as changed_amount,
        cast(past_due_amount as decimal(18, 2)) as past_due_amount,
        cast(past_due_amount_days as decimal(28, 2)) as past_due_amount_days,
        bucket_rate,
        bucket_rate_numerator,
        bucket_rate_denominator,
        bucket_rate_status,
        cast(bucket_rate - previous_bucket_rate as decimal(18, 8)) as changed_bucket_rate,
        growth_rate,
        growth_rate_numerator,
        growth_rate_denominator,
        growth_rate_status,
        coalesce(growth_rate >= bucket_surge_growth_rate, false) as is_bucket_surge,
        case when unconverted_item_count > 0 then 'missing' else 'ok' end as rate_status
    from measured
)

select * from final
