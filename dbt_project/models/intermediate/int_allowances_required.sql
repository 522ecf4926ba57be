-- Grain: one row per company, month, allowance method, segment and bucket (`all` where the method
-- knows no buckets), with what the method asks for at the month's end, in the running month at the
-- as-of date.
-- Percent of sales ignores what is open: it adds its charge to what is left of the allowance.
with months as (
    select * from {{ ref('int_periods_listed') }}
    where period_type = 'month'
),

receivables as (
    select * from {{ ref('int_receivables_scoped') }}
    where scope_type = 'segment'
),

balances as (
    select * from {{ ref('int_balances_sliced') }}
),

ages as (
    select * from {{ ref('int_ages_bucketed') }}
),

aging_buckets as (
    select * from {{ ref('dim_aging_buckets') }}
),

allowance_methods as (
    select * from {{ ref('allowance_methods') }}
),

loss_rates as (
    select * from {{ ref('loss_rates') }}
),

segments as (
    select
        company_code,
        scope_id as segment
    from receivables
    group by company_code, scope_id
),

segment_months as (
    select
        months.company_code,
        months.period_start,
        months.period_end,
        months.measured_to_date,
        months.is_complete,
        months.as_of_date,
        segments.segment
    from months
    inner join segments
        on months.company_code = segments.company_code
),

flows as (
    select
        company_code,
        scope_id as segment,
        month_start,
        sum(closing_amount) as closing_amount,
        sum(credit_sales_amount) as credit_sales_amount,
        sum(write_off_amount) as write_off_amount,
        sum(recovery_of_written_off_amount) as recovery_of_written_off_amount,
        sum(unconverted_item_count + unconverted_movement_count) as unconverted_count
    from receivables
    group by company_code, scope_id, month_start
),

open_by_segment as (
    select
        company_code,
        measured_to_date,
        segment,
        credit_class_code,
        due_date,
        sum(open_amount) as open_amount,
        sum(unconverted_item_count) as unconverted_count
    from balances
    group by company_code, measured_to_date, segment, credit_class_code, due_date
),

open_in_sets as (
    select
        open_by_segment.company_code,
        open_by_segment.measured_to_date,
        open_by_segment.segment,
        ages.bucket_set,
        ages.aging_bucket,
        open_by_segment.open_amount,
        open_by_segment.unconverted_count
    from open_by_segment
    inner join ages
        on
            open_by_segment.measured_to_date = ages.as_of_date
            and open_by_segment.due_date = ages.basis_date
    where open_by_segment.credit_class_code is null
    union all
    select
        open_by_segment.company_code,
        open_by_segment.measured_to_date,
        open_by_segment.segment,
        aging_buckets.bucket_set,
        aging_buckets.aging_bucket,
        open_by_segment.open_amount,
        open_by_segment.unconverted_count
    from open_by_segment
    inner join aging_buckets
        on open_by_segment.credit_class_code = aging_buckets.aging_bucket
),

open_by_bucket as (
    select
        company_code,
        measured_to_date,
        segment,
        bucket_set,
        aging_bucket,
        sum(open_amount) as open_amount,
        sum(unconverted_count) as unconverted_count
    from open_in_sets
    group by company_code, measured_to_date, segment, bucket_set, aging_bucket
),

by_bucket as (
    select
        segment_months.*,
        allowance_methods.allowance_method,
        allowance_methods.is_booked,
        aging_buckets.bucket_set,
        aging_buckets.aging_bucket,
        aging_buckets.aging_bucket_order,
        coalesce(open_by_bucket.open_amount, 0) as open_amount,
        coalesce(open_by_bucket.open_amount, 0) as base_amount,
        cast(0 as decimal(28, 2)) as written_off_amount,
        cast(0 as decimal(28, 2)) as recovered_amount,
        coalesce(open_by_bucket.unconverted_count, 0) as unconverted_count
    from segment_months
    cross join allowance_methods
    inner join aging_buckets
        on allowance_methods.bucket_set = aging_buckets.bucket_set
    left join open_by_bucket
        on
            segment_months.measured_to_date = open_by_bucket.measured_to_date
            and segment_months.company_code = open_by_bucket.company_code
            and segment_months.segment = open_by_bucket.segment
            and aging_buckets.bucket_set = open_by_bucket.bucket_set
            and aging_buckets.aging_bucket = open_by_bucket.aging_bucket
    where allowance_methods.allowance_method = 'aging'
),

as_a_whole as (
    select
        segment_months.*,
        allowance_methods.allowance_method,
        allowance_methods.is_booked,
        cast(null as varchar) as bucket_set,
        'all' as aging_bucket,
        0 as aging_bucket_order,
        coalesce(flows.closing_amount, 0) as open_amount,
        case
            when allowance_methods.allowance_method = 'percent_of_receivables'
                then coalesce(flows.closing_amount, 0)
            when allowance_methods.allowance_method = 'percent_of_sales'
                then coalesce(flows.credit_sales_amount, 0)
            else 0
        end as base_amount,
        coalesce(flows.write_off_amount, 0) as written_off_amount,
        coalesce(flows.recovery_of_written_off_amount, 0) as recovered_amount,
        coalesce(flows.unconverted_count, 0) as unconverted_count
    from segment_months
    cross join allowance_methods
    left join flows
        on
            segment_months.company_code = flows.company_code
            and segment_months.segment = flows.segment
            and segment_months.period_start = flows.month_start
    where allowance_methods.allowance_method <> 'aging'
),

based as (
    select * from by_bucket
    union all
    select * from as_a_whole
),

rated as (
    select
        based.*,
        case
            when based.allowance_method = 'direct_write_off' then 0
            else coalesce(segment_rates.loss_rate, default_rates.loss_rate)
        end as loss_rate
    from based
    left join loss_rates as segment_rates
        on
            based.allowance_method = segment_rates.allowance_method
            and based.segment = segment_rates.segment
            and based.aging_bucket = segment_rates.aging_bucket
    left join loss_rates as default_rates
        on
            based.allowance_method = default_rates.allowance_method
            and based.aging_bucket = default_rates.aging_bucket
            and default_rates.segment = '*'
),

charged as (
    select
        *,
        {{ convert_amount('base_amount', 'loss_rate') }} as rated_amount
    from rated
),

accumulated as (
    select
        *,
        sum(rated_amount - written_off_amount + recovered_amount) over (
            partition by company_code, allowance_method, segment, aging_bucket
            order by period_start
            rows between unbounded preceding and current row
        ) as accumulated_amount,
        sum(unconverted_count) over (
            partition by company_code, allowance_method, segment, aging_bucket
            order by period_start
            rows between unbounded preceding and current row
        ) as accumulated_unconverted_count
    from charged
),

final as (
    select
        as_of_date,
        period_start,
        period_end,
        measured_to_date,
        is_complete,
        company_code,
        allowance_method,
        is_booked,
        segment,
        bucket_set,
        aging_bucket,
        aging_bucket_order,
        cast(open_amount as decimal(18, 2)) as open_amount,
        cast(base_amount as decimal(18, 2)) as base_amount,
        cast(loss_rate as decimal(18, 8)) as loss_rate,
        cast(
            case
                when allowance_method = 'percent_of_sales' then accumulated_amount
                else rated_amount
            end as decimal(18, 2)
        ) as required_allowance_amount,
        case
            when allowance_method = 'percent_of_sales' and accumulated_unconverted_count > 0
                then 'missing'
            when unconverted_count > 0 then 'missing'
            else 'ok'
        end as rate_status
    from accumulated
)

select * from final
