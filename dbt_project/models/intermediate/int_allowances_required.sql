-- Grain: one row per knowledge, company, month, allowance method, segment and bucket, with what the
-- method asks for at the month's end, in the running month at the as-of date. Knowledge is what the
-- run knows (`now`) or what was known at the month's end (`then`, only of months that are over).
-- A method without buckets has one, `all`; what is judged alone has the bucket `specific` in every
-- method with buckets, and is all that the method `specific` looks at.
-- Expected loss takes the rates of the segment's history, else of the whole company's, else of the
-- seed; without any of them what is open has no allowance. Roll rates of `then` are those that the
-- journal told at the month's end.
-- Percent of sales ignores what is open: it adds its charge to what is left of the allowance.
{%- set origin = "cast('1970-01-01' as date)" %}
with months as (
    select * from {{ ref('int_periods_listed') }}
    where period_type = 'month'
),

companies_known as (
    select * from {{ ref('int_companies_known') }}
),

receivables as (
    select * from {{ ref('int_receivables_scoped') }}
    where scope_type = 'segment'
),

exposures as (
    select * from {{ ref('int_receivables_exposed') }}
),

reviewed_movements as (
    select * from {{ ref('int_movements_reviewed') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
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

roll_rates as (
    select * from {{ ref('int_loss_rates_chained') }}
    where adjusted_loss_rate_status = 'ok'
),

months_known as (
    select
        'now' as knowledge,
        months.*
    from months
    union all
    select
        'then' as knowledge,
        months.*
    from months
    inner join companies_known
        on months.company_code = companies_known.company_code
    where
        months.is_complete
        and months.period_start >= companies_known.first_known_month
),

segments_known as (
    select
        company_code,
        scope_id as segment,
        'now' as knowledge
    from receivables
    union
    select
        company_code,
        scope_id as segment,
        'then' as knowledge
    from receivables
    union
    select
        company_code,
        segment,
        knowledge
    from exposures
),

segment_months as (
    select
        months_known.knowledge,
        months_known.company_code,
        months_known.period_start,
        months_known.period_end,
        months_known.measured_to_date,
        months_known.is_complete,
        months_known.as_of_date,
        segments_known.segment
    from months_known
    inner join segments_known
        on
            months_known.company_code = segments_known.company_code
            and months_known.knowledge = segments_known.knowledge
),

-- The movements of which something else was known then: the months at whose end they were not
-- known yet, and those at whose end they were known and are not any more.
movements_otherwise as (
    select
        reviewed_movements.company_code,
        coalesce(customers.segment, 'unassigned') as segment,
        reviewed_movements.movement_type,
        case
            when reviewed_movements.is_current then -reviewed_movements.amount
            else reviewed_movements.amount
        end as amount,
        case
            when reviewed_movements.amount is not null then 0
            when reviewed_movements.is_current then -1
            else 1
        end as unconverted_count,
        reviewed_movements.effective_month_no,
        case
            when reviewed_movements.is_current
                then greatest(
                    reviewed_movements.effective_month_no, reviewed_movements.first_known_month_no
                )
            else reviewed_movements.known_from_month_no
        end as first_month_no,
        case
            when reviewed_movements.is_current then reviewed_movements.known_from_month_no
            else reviewed_movements.known_to_month_no
        end - 1 as final_month_no
    from reviewed_movements
    left join customers
        on reviewed_movements.customer_id = customers.customer_id
    where
        reviewed_movements.movement_type in (
            'invoice', 'debit_memo', 'credit_memo', 'write_off', 'recovery'
        )
),

movements_otherwise_by_month as (
    select
        *,
        {{ explode_integers('first_month_no', 'final_month_no') }} as month_no
    from movements_otherwise
    where first_month_no <= final_month_no
),

flow_pieces as (
    select
        segment_months.knowledge,
        segment_months.company_code,
        segment_months.segment,
        segment_months.period_start,
        receivables.month_start,
        receivables.credit_sales_amount,
        receivables.write_off_amount,
        receivables.recovery_of_written_off_amount as recovery_amount,
        receivables.unconverted_movement_count as unconverted_count
    from segment_months
    inner join receivables
        on
            segment_months.company_code = receivables.company_code
            and segment_months.segment = receivables.scope_id
            and segment_months.period_start >= receivables.month_start
    union all
    select
        'then' as knowledge,
        company_code,
        segment,
        {{ add_months(origin, 'month_no') }} as period_start,
        {{ add_months(origin, 'effective_month_no') }} as month_start,
        case
            when movement_type in ('invoice', 'debit_memo', 'credit_memo') then amount else 0
        end as credit_sales_amount,
        case when movement_type = 'write_off' then -amount else 0 end as write_off_amount,
        case when movement_type = 'recovery' then -amount else 0 end as recovery_amount,
        unconverted_count
    from movements_otherwise_by_month
),

flows as (
    select
        knowledge,
        company_code,
        segment,
        period_start,
        month_start,
        coalesce(sum(credit_sales_amount), 0) as credit_sales_amount,
        coalesce(sum(write_off_amount), 0) as write_off_amount,
        coalesce(sum(recovery_amount), 0) as recovery_amount,
        sum(unconverted_count) as unconverted_count
    from flow_pieces
    group by knowledge, company_code, segment, period_start, month_start
),

sales_rates as (
    select * from loss_rates
    where allowance_method = 'percent_of_sales'
),

charged as (
    select
        flows.*,
        {{ convert_amount(
            'flows.credit_sales_amount', 'coalesce(segment_rates.loss_rate, all_rates.loss_rate)'
        ) }} as charge_amount
    from flows
    left join sales_rates as segment_rates
        on flows.segment = segment_rates.segment
    left join sales_rates as all_rates
        on all_rates.segment = '*'
),

sold as (
    select
        knowledge,
        company_code,
        segment,
        period_start,
        sum(case when month_start = period_start then credit_sales_amount else 0 end)
            as credit_sales_amount,
        sum(charge_amount - write_off_amount + recovery_amount) as accumulated_amount,
        sum(case when month_start = period_start then unconverted_count else 0 end)
            as unconverted_count,
        sum(unconverted_count) as accumulated_unconverted_count
    from charged
    group by knowledge, company_code, segment, period_start
),

-- Every set holds all that is open: one of them is enough.
one_set as (
    select min(bucket_set) as bucket_set from aging_buckets
),

open_as_a_whole as (
    select
        exposures.knowledge,
        exposures.company_code,
        exposures.segment,
        exposures.month_start,
        sum(exposures.open_amount) as open_amount,
        sum(exposures.unconverted_count) as unconverted_count
    from exposures
    inner join one_set
        on exposures.bucket_set = one_set.bucket_set
    group by
        exposures.knowledge, exposures.company_code, exposures.segment, exposures.month_start
),

method_buckets as (
    select
        allowance_methods.allowance_method,
        allowance_methods.is_booked,
        aging_buckets.bucket_set,
        aging_buckets.aging_bucket,
        aging_buckets.aging_bucket_order,
        aging_buckets.is_aged
    from allowance_methods
    inner join aging_buckets
        on allowance_methods.bucket_set = aging_buckets.bucket_set
    union all
    select
        allowance_methods.allowance_method,
        allowance_methods.is_booked,
        allowance_methods.bucket_set,
        'specific' as aging_bucket,
        max(aging_buckets.aging_bucket_order) + 1 as aging_bucket_order,
        true as is_aged
    from allowance_methods
    inner join aging_buckets
        on allowance_methods.bucket_set = aging_buckets.bucket_set
    group by
        allowance_methods.allowance_method,
        allowance_methods.is_booked,
        allowance_methods.bucket_set
    union all
    select
        allowance_method,
        is_booked,
        bucket_set,
        case when allowance_method = 'specific' then 'specific' else 'all' end as aging_bucket,
        0 as aging_bucket_order,
        true as is_aged
    from allowance_methods
    where bucket_set is null
),

based as (
    select
        segment_months.*,
        method_buckets.allowance_method,
        method_buckets.is_booked,
        method_buckets.bucket_set,
        method_buckets.aging_bucket,
        method_buckets.aging_bucket_order,
        method_buckets.is_aged,
        case
            when segment_months.is_complete then segment_months.period_start
            else {{ add_months('segment_months.period_start', -1) }}
        end as rates_month,
        coalesce(
            case when method_buckets.aging_bucket = 'all' then open_as_a_whole.open_amount end,
            exposures.open_amount,
            0
        ) as open_amount,
        coalesce(
            case method_buckets.allowance_method
                when 'percent_of_receivables' then open_as_a_whole.open_amount
                when 'percent_of_sales' then sold.credit_sales_amount
                when 'direct_write_off' then 0
                else exposures.open_amount
            end,
            0
        ) as base_amount,
        coalesce(exposures.specific_allowance_amount, 0) as specific_allowance_amount,
        coalesce(sold.accumulated_amount, 0) as accumulated_amount,
        case
            when method_buckets.aging_bucket <> 'all'
                then coalesce(exposures.unconverted_count, 0)
            else
                coalesce(open_as_a_whole.unconverted_count, 0)
                + coalesce(
                    case
                        when method_buckets.allowance_method = 'percent_of_sales'
                            then sold.accumulated_unconverted_count
                        else sold.unconverted_count
                    end,
                    0
                )
        end as unconverted_count
    from segment_months
    cross join method_buckets
    cross join one_set
    left join exposures
        on
            segment_months.knowledge = exposures.knowledge
            and segment_months.company_code = exposures.company_code
            and segment_months.period_start = exposures.month_start
            and segment_months.segment = exposures.segment
            and method_buckets.aging_bucket = exposures.aging_bucket
            and coalesce(method_buckets.bucket_set, one_set.bucket_set) = exposures.bucket_set
    left join open_as_a_whole
        on
            segment_months.knowledge = open_as_a_whole.knowledge
            and segment_months.company_code = open_as_a_whole.company_code
            and segment_months.period_start = open_as_a_whole.month_start
            and segment_months.segment = open_as_a_whole.segment
    left join sold
        on
            segment_months.knowledge = sold.knowledge
            and segment_months.company_code = sold.company_code
            and segment_months.period_start = sold.period_start
            and segment_months.segment = sold.segment
),

-- A month's rates come from the months up to its end; those of a running month are not known yet.
rated as (
    select
        based.*,
        case
            when based.aging_bucket = 'specific' then null
            when based.allowance_method = 'direct_write_off' then 0
            else coalesce(
                segment_roll_rates.adjusted_loss_rate,
                company_roll_rates.adjusted_loss_rate,
                segment_rates.loss_rate,
                all_rates.loss_rate,
                case when not based.is_aged then 0 end
            )
        end as loss_rate,
        case
            when based.aging_bucket = 'specific' then 'judgement'
            when based.allowance_method = 'direct_write_off' then 'none'
            when segment_roll_rates.adjusted_loss_rate is not null then 'roll_rates'
            when company_roll_rates.adjusted_loss_rate is not null then 'company_roll_rates'
            when coalesce(segment_rates.loss_rate, all_rates.loss_rate) is not null then 'seed'
            when not based.is_aged then 'none'
        end as loss_rate_source
    from based
    left join roll_rates as segment_roll_rates
        on
            based.allowance_method = 'expected_loss'
            and based.knowledge = segment_roll_rates.knowledge
            and based.company_code = segment_roll_rates.company_code
            and based.rates_month = segment_roll_rates.month_start
            and based.segment = segment_roll_rates.segment
            and based.bucket_set = segment_roll_rates.bucket_set
            and based.aging_bucket = segment_roll_rates.aging_bucket
    left join roll_rates as company_roll_rates
        on
            based.allowance_method = 'expected_loss'
            and based.knowledge = company_roll_rates.knowledge
            and based.company_code = company_roll_rates.company_code
            and based.rates_month = company_roll_rates.month_start
            and company_roll_rates.segment = 'all'
            and based.bucket_set = company_roll_rates.bucket_set
            and based.aging_bucket = company_roll_rates.aging_bucket
    left join loss_rates as segment_rates
        on
            based.allowance_method = segment_rates.allowance_method
            and based.segment = segment_rates.segment
            and based.aging_bucket = segment_rates.aging_bucket
    left join loss_rates as all_rates
        on
            based.allowance_method = all_rates.allowance_method
            and based.aging_bucket = all_rates.aging_bucket
            and all_rates.segment = '*'
),

final as (
    select
        knowledge,
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
        loss_rate_source,
        cast(
            case
                when aging_bucket = 'specific' then specific_allowance_amount
                when allowance_method = 'percent_of_sales' then accumulated_amount
                when base_amount = 0 then 0
                else {{ convert_amount('base_amount', 'loss_rate') }}
            end as decimal(18, 2)
        ) as required_allowance_amount,
        case when unconverted_count > 0 then 'missing' else 'ok' end as rate_status
    from rated
)

select * from final
