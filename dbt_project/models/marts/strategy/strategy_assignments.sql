-- Grain: one row per company and customer that owes something on the as-of date. The bucket is the
-- oldest in which the customer owes anything, the amount what is past due, or all that is owed
-- where nothing is.
with aging as (
    select * from {{ ref('aging_by_account') }}
    where is_by_due_date
),

accounts as (
    select * from {{ ref('aging_accounts') }}
),

buckets as (
    select * from {{ ref('dim_aging_buckets') }}
),

grades as (
    select * from {{ ref('credit_points_by_customer_month') }}
),

portfolios as (
    select * from {{ ref('int_portfolios_spanned') }}
),

strategy_matrix as (
    select * from {{ ref('strategy_matrix') }}
),

strategies as (
    select * from {{ ref('strategies') }}
),

strategy_rules as (
    select * from {{ ref('strategy_rules') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

numbered_buckets as (
    select
        *,
        {{ bucket_number() }} as bucket_no
    from buckets
),

owed as (
    select
        accounts.company_code,
        accounts.customer_id,
        aging.as_of_date,
        numbered_buckets.aging_bucket,
        numbered_buckets.aging_bucket_order,
        numbered_buckets.lower_bound is not null as is_past_due,
        aging.open_amount_document,
        aging.open_amount
    from aging
    inner join run_parameters
        on aging.as_of_date = run_parameters.as_of_date
    inner join numbered_buckets
        on aging.bucket_no = numbered_buckets.bucket_no
    inner join accounts
        on aging.account_no = accounts.account_no
    where
        numbered_buckets.bucket_set = 'days'
        and numbered_buckets.is_aged
),

by_customer as (
    select
        company_code,
        customer_id,
        as_of_date,
        max(case when open_amount_document > 0 then aging_bucket_order end)
            as aging_bucket_order,
        coalesce(sum(open_amount), 0) as owed_amount,
        coalesce(sum(case when is_past_due then open_amount end), 0) as past_due_amount,
        max(case when open_amount is null then 1 else 0 end) = 1 as is_rate_missing
    from owed
    group by company_code, customer_id, as_of_date
),

classed as (
    select
        by_customer.*,
        numbered_buckets.aging_bucket,
        numbered_buckets.lower_bound is not null as is_past_due,
        coalesce(grades.credit_grade, 'unrated') as credit_grade,
        case
            when
                case
                    when numbered_buckets.lower_bound is not null
                        then by_customer.past_due_amount
                    else by_customer.owed_amount
                end >= strategy_rules.large_amount_from
                then 'large'
            else 'small'
        end as amount_class
    from by_customer
    cross join strategy_rules
    inner join numbered_buckets
        on
            by_customer.aging_bucket_order = numbered_buckets.aging_bucket_order
            and numbered_buckets.bucket_set = 'days'
    left join grades
        on
            by_customer.customer_id = grades.customer_id
            and grades.month_start = {{ month_start('by_customer.as_of_date') }}
),

final as (
    select
        classed.as_of_date,
        classed.company_code,
        classed.customer_id,
        classed.credit_grade,
        classed.aging_bucket,
        classed.aging_bucket_order,
        classed.is_past_due,
        classed.amount_class,
        cast(classed.owed_amount as decimal(18, 2)) as owed_amount,
        cast(classed.past_due_amount as decimal(18, 2)) as past_due_amount,
        case when classed.is_rate_missing then 'missing' else 'ok' end as rate_status,
        coalesce(portfolios.collector_id, 'unattributed') as collector_id,
        strategy_matrix.strategy_code,
        strategies.first_channel,
        strategies.second_channel,
        strategies.third_channel,
        strategies.tone,
        strategies.responsible_role,
        strategies.deadline_days,
        strategies.escalation_strategy_code,
        strategies.fallback_strategy_code
    from classed
    left join strategy_matrix
        on
            classed.credit_grade = strategy_matrix.credit_grade
            and classed.aging_bucket = strategy_matrix.aging_bucket
            and classed.amount_class = strategy_matrix.amount_class
    left join strategies
        on strategy_matrix.strategy_code = strategies.strategy_code
    left join portfolios
        on
            classed.customer_id = portfolios.customer_id
            and classed.as_of_date >= portfolios.owned_from
            and classed.as_of_date < portfolios.owned_until
)

select * from final
