-- Grain: one row per kept slice, date from which an open item is aged there (due date or document
-- date) and bucket set. The bucket of a pair of dates is looked up here, so that the rule runs once
-- per pair and not once per item.
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
        {{ bucket_number() }} as bucket_no
    from buckets
),

basis_dates as (
    select due_date as basis_date from balances
    union
    select document_date as basis_date from balances
),

final as (
    select
        slices.as_of_date,
        slices.slice_no,
        basis_dates.basis_date,
        numbered_buckets.bucket_set,
        numbered_buckets.aging_bucket,
        numbered_buckets.bucket_no
    from basis_dates
    cross join slices
    inner join numbered_buckets
        on {{ bucket_holds('numbered_buckets', 'basis_dates.basis_date', 'slices.as_of_date') }}
)

select * from final
