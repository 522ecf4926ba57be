-- Grain: one row per kept slice, date from which an open item is aged there (due date or document
-- date) and bucket set. The bucket of a pair of dates is looked up here, so that the rule runs once
-- per pair and not once per item. Pairs in the same bucket of every set share an age_class_no, so
-- that items can be added up once for all sets: each set has three digits of it.
with balances as (
    select * from {{ ref('receivables_by_span') }}
    where credit_class_code is null
),

slices as (
    select * from {{ ref('int_slices_kept') }}
),

buckets as (
    select * from {{ ref('dim_aging_buckets') }}
),

numbered_buckets as (
    select
        *,
        cast(
            aging_bucket_order * power(1000, dense_rank() over (order by bucket_set) - 1) as bigint
        ) as class_digits
    from buckets
),

basis_dates as (
    select due_date as basis_date from balances
    union
    select document_date as basis_date from balances
),

bucketed as (
    select
        slices.as_of_date,
        slices.slice_no,
        basis_dates.basis_date,
        numbered_buckets.bucket_set,
        numbered_buckets.aging_bucket,
        numbered_buckets.aging_bucket_order,
        numbered_buckets.class_digits
    from basis_dates
    cross join slices
    inner join numbered_buckets
        on {{ bucket_holds('numbered_buckets', 'basis_dates.basis_date', 'slices.as_of_date') }}
),

final as (
    select
        as_of_date,
        slice_no,
        basis_date,
        bucket_set,
        aging_bucket,
        aging_bucket_order,
        cast(
            sum(class_digits) over (partition by slice_no, basis_date) as bigint
        ) as age_class_no
    from bucketed
)

select * from final
