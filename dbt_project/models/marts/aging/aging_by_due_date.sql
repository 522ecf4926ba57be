-- Grain: one row per due date or document date of an item that was ever open: the bucket of an item
-- due on it, at the as_of_date.
with ages as (
    select * from {{ ref('int_ages_bucketed') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

final as (
    select
        ages.basis_date as due_date,
        max(case when ages.bucket_set = 'days' then ages.aging_bucket end) as aging_bucket_days,
        max(case when ages.bucket_set = 'months' then ages.aging_bucket end)
            as aging_bucket_months
    from ages
    inner join run_parameters
        on ages.as_of_date = run_parameters.as_of_date
    group by ages.basis_date
)

select * from final
