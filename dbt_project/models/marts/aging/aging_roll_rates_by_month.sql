-- Grain: one row per company, scope, month, bucket set and bucket, empty buckets included.
-- What aging_migration_by_month tells cell by cell, as the rates of each bucket.
with migrations as (
    select * from {{ ref('aging_migration_by_month') }}
),

buckets as (
    select * from {{ ref('dim_aging_buckets') }}
    where is_aged
),

scopes as (
    select
        as_of_date,
        month_start,
        month_end,
        measured_to_date,
        is_complete,
        company_code,
        scope_type,
        scope_id
    from migrations
    group by
        as_of_date,
        month_start,
        month_end,
        measured_to_date,
        is_complete,
        company_code,
        scope_type,
        scope_id
),

ordered_buckets as (
    select
        bucket_set,
        aging_bucket,
        aging_bucket_order,
        lead(aging_bucket) over (
            partition by bucket_set order by aging_bucket_order
        ) as next_bucket,
        row_number() over (partition by bucket_set order by aging_bucket_order) as bucket_rank
    from buckets
),

first_buckets as (
    select
        bucket_set,
        aging_bucket
    from ordered_buckets
    where bucket_rank = 1
),

-- Each cell once for the bucket that it leaves and once for the one that it enters.
left_behind as (
    select
        migrations.company_code,
        migrations.scope_type,
        migrations.scope_id,
        migrations.month_start,
        migrations.bucket_set,
        migrations.aging_bucket,
        sum(migrations.migrated_amount) as opening_amount,
        {%- for code in ['better', 'same', 'worse', 'collected', 'credited', 'written_off'] %}
            sum(
                case
                    when migrations.migration_code = '{{ code }}' then migrations.migrated_amount
                    else 0
                end
            ) as {{ code }}_amount,
        {%- endfor %}
        sum(
            case
                when migrations.next_state = first_buckets.aging_bucket
                    then migrations.migrated_amount - migrations.re_aged_amount
                else 0
            end
        ) as now_current_amount,
        sum(migrations.re_aged_amount) as re_aged_amount,
        max(migrations.rate_status) as rate_status
    from migrations
    inner join first_buckets
        on migrations.bucket_set = first_buckets.bucket_set
    where migrations.aging_bucket <> 'inflow'
    group by
        migrations.company_code,
        migrations.scope_type,
        migrations.scope_id,
        migrations.month_start,
        migrations.bucket_set,
        migrations.aging_bucket
),

entered as (
    select
        company_code,
        scope_type,
        scope_id,
        month_start,
        bucket_set,
        next_state as aging_bucket,
        sum(migrated_amount) as closing_amount,
        sum(case when aging_bucket = 'inflow' then migrated_amount else 0 end) as inflow_amount
    from migrations
    group by company_code, scope_type, scope_id, month_start, bucket_set, next_state
),

{%- set amounts = [
    'opening_amount', 'better_amount', 'same_amount', 'worse_amount', 'collected_amount',
    'credited_amount', 'written_off_amount', 're_aged_amount', 'now_current_amount'
] %}

amounts as (
    select
        scopes.*,
        ordered_buckets.bucket_set,
        ordered_buckets.aging_bucket,
        ordered_buckets.aging_bucket_order,
        ordered_buckets.next_bucket,
        {%- for amount in amounts %}
            coalesce(left_behind.{{ amount }}, 0) as {{ amount }},
        {%- endfor %}
        coalesce(entered.inflow_amount, 0) as inflow_amount,
        coalesce(entered.closing_amount, 0) as closing_amount,
        case
            when ordered_buckets.next_bucket is not null
                then coalesce(entered_next.closing_amount, 0)
        end as next_bucket_closing_amount,
        coalesce(left_behind.rate_status, 'ok') as rate_status
    from scopes
    cross join ordered_buckets
    left join left_behind
        on
            scopes.company_code = left_behind.company_code
            and scopes.scope_type = left_behind.scope_type
            and scopes.scope_id = left_behind.scope_id
            and scopes.month_start = left_behind.month_start
            and ordered_buckets.bucket_set = left_behind.bucket_set
            and ordered_buckets.aging_bucket = left_behind.aging_bucket
    left join entered
        on
            scopes.company_code = entered.company_code
            and scopes.scope_type = entered.scope_type
            and scopes.scope_id = entered.scope_id
            and scopes.month_start = entered.month_start
            and ordered_buckets.bucket_set = entered.bucket_set
            and ordered_buckets.aging_bucket = entered.aging_bucket
    left join entered as entered_next
        on
            scopes.company_code = entered_next.company_code
            and scopes.scope_type = entered_next.scope_type
            and scopes.scope_id = entered_next.scope_id
            and scopes.month_start = entered_next.month_start
            and ordered_buckets.bucket_set = entered_next.bucket_set
            and ordered_buckets.next_bucket = entered_next.aging_bucket
),

parts as (
    select
        *,
        worse_amount + written_off_amount as roll_rate_numerator,
        opening_amount as roll_rate_denominator,
        now_current_amount + collected_amount as cure_rate_numerator,
        opening_amount as cure_rate_denominator,
        next_bucket_closing_amount as net_flow_rate_numerator,
        opening_amount as net_flow_rate_denominator
    from amounts
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
        {%- for amount in amounts[:-1] + ['inflow_amount', 'closing_amount'] %}
            cast({{ amount }} as decimal(18, 2)) as {{ amount }},
        {%- endfor %}
        rate_status,
        {{ measure_columns('roll_rate') }},
        {{ measure_columns('cure_rate') }},
        {{ measure_columns('net_flow_rate') }}
    from parts
)

select * from final
