-- Grain: one row per month, company and collector who owned something open when the month began;
-- what nobody owned stands under `unattributed`. A bucket and grade without a rate of their own are
-- expected to bring what the bucket brings.
with openings as (
    select * from {{ ref('int_openings_graded') }}
),

rates as (
    select * from {{ ref('collection_rates_by_month') }}
),

collectors as (
    select * from {{ ref('dim_collectors') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

assigned as (
    select
        month_start,
        company_code,
        collector_id,
        credit_grade,
        aging_bucket,
        sum(opening_amount) as assigned_amount,
        sum(collected_amount) as collected_amount
    from openings
    group by month_start, company_code, collector_id, credit_grade, aging_bucket
),

rated as (
    select
        assigned.*,
        coalesce(rates.collection_rate, bucket_rates.collection_rate) as collection_rate,
        bucket_rates.collection_rate_status = 'insufficient_history' as is_history_short
    from assigned
    inner join rates as bucket_rates
        on
            assigned.month_start = bucket_rates.month_start
            and assigned.company_code = bucket_rates.company_code
            and assigned.aging_bucket = bucket_rates.aging_bucket
            and bucket_rates.credit_grade = 'all'
    inner join rates
        on
            assigned.month_start = rates.month_start
            and assigned.company_code = rates.company_code
            and assigned.aging_bucket = rates.aging_bucket
            and assigned.credit_grade = rates.credit_grade
),

summed as (
    select
        month_start,
        company_code,
        collector_id,
        sum(assigned_amount) as assigned_amount,
        sum(collected_amount) as collected_amount,
        sum(case when collection_rate is null then assigned_amount else 0 end)
            as assigned_without_rate_amount,
        case
            when max(case when is_history_short then 1 else 0 end) = 0
                then {{ round_half_away(
                    'sum(coalesce(collection_rate, 0) * cast(assigned_amount as decimal(28, 2)))'
                ) }}
        end as expected_amount
    from rated
    group by month_start, company_code, collector_id
),

parts as (
    select
        summed.*,
        run_parameters.as_of_date,
        case
            when summed.collector_id = 'unattributed' then 'unattributed'
            else coalesce(collectors.team_id, 'unassigned')
        end as team_id,
        summed.collected_amount as lift_numerator,
        summed.expected_amount as lift_denominator
    from summed
    cross join run_parameters
    left join collectors
        on summed.collector_id = collectors.collector_id
),

final as (
    select
        month_start,
        company_code,
        collector_id,
        team_id,
        {{ month_end('month_start') }} <= as_of_date as is_complete,
        cast(assigned_amount as decimal(28, 2)) as assigned_amount,
        cast(assigned_without_rate_amount as decimal(28, 2)) as assigned_without_rate_amount,
        cast(expected_amount as decimal(28, 2)) as expected_amount,
        cast(collected_amount as decimal(28, 2)) as collected_amount,
        {{ measure_columns('lift', missing="'insufficient_history'") }}
    from parts
)

select * from final
