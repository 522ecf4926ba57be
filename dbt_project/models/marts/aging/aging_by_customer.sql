-- Grain: one row per kept slice, company, customer, currency, bucket set, age basis and bucket that
-- is not empty. Items are cut into slices and added up once, by the classes of their two ages; sets
-- and bases are told apart afterwards.
with balances as (
    select * from {{ ref('receivables_by_span') }}
),

days as (
    select * from {{ ref('int_days_sliced') }}
),

slices as (
    select * from {{ ref('int_slices_kept') }}
),

ages as (
    select * from {{ ref('int_ages_bucketed') }}
),

buckets as (
    select * from {{ ref('dim_aging_buckets') }}
),

numbered_buckets as (
    select
        bucket_set,
        aging_bucket,
        aging_bucket_order,
        cast(
            row_number() over (order by bucket_set, aging_bucket_order, aging_bucket) as integer
        ) as bucket_no
    from buckets
),

last_slice as (
    select max(slice_no) as last_slice_no from slices
),

numbered_balances as (
    select
        balances.company_code,
        balances.customer_id,
        balances.currency_code,
        balances.credit_class_code,
        balances.due_date,
        balances.document_date,
        balances.open_amount_document,
        balances.open_amount,
        opening.next_slice_no as first_slice_no,
        coalesce(closing.next_slice_no - 1, last_slice.last_slice_no) as final_slice_no
    from balances
    inner join days as opening
        on balances.open_from = opening.calendar_date
    cross join last_slice
    left join days as closing
        on balances.open_to = closing.calendar_date
),

sliced_balances as (
    select
        company_code,
        customer_id,
        currency_code,
        credit_class_code,
        due_date,
        document_date,
        open_amount_document,
        open_amount,
        {{ explode_integers('first_slice_no', 'final_slice_no') }} as slice_no
    from numbered_balances
    where first_slice_no <= final_slice_no
),

age_classes as (
    select
        slice_no,
        basis_date,
        age_class_no
    from ages
    group by slice_no, basis_date, age_class_no
),

class_buckets as (
    select
        ages.age_class_no,
        numbered_buckets.bucket_no
    from ages
    inner join numbered_buckets
        on
            ages.bucket_set = numbered_buckets.bucket_set
            and ages.aging_bucket = numbered_buckets.aging_bucket
    group by ages.age_class_no, numbered_buckets.bucket_no
),

by_age_classes as (
    select
        sliced_balances.slice_no,
        sliced_balances.company_code,
        sliced_balances.customer_id,
        sliced_balances.currency_code,
        sliced_balances.credit_class_code,
        by_due_date.age_class_no as due_class_no,
        by_document_date.age_class_no as document_class_no,
        count(*) as document_count,
        sum(sliced_balances.open_amount_document) as open_amount_document,
        sum(sliced_balances.open_amount) as open_amount,
        count(sliced_balances.open_amount) as converted_count
    from sliced_balances
    left join age_classes as by_due_date
        on
            sliced_balances.slice_no = by_due_date.slice_no
            and sliced_balances.due_date = by_due_date.basis_date
    left join age_classes as by_document_date
        on
            sliced_balances.slice_no = by_document_date.slice_no
            and sliced_balances.document_date = by_document_date.basis_date
    group by
        sliced_balances.slice_no,
        sliced_balances.company_code,
        sliced_balances.customer_id,
        sliced_balances.currency_code,
        sliced_balances.credit_class_code,
        by_due_date.age_class_no,
        by_document_date.age_class_no
),

by_age_basis as (
    select
        *,
        true as is_by_due_date,
        due_class_no as age_class_no
    from by_age_classes
    union all
    select
        *,
        false as is_by_due_date,
        document_class_no as age_class_no
    from by_age_classes
),

bucketed as (
    select
        by_age_basis.*,
        class_buckets.bucket_no
    from by_age_basis
    inner join class_buckets
        on by_age_basis.age_class_no = class_buckets.age_class_no
    where by_age_basis.credit_class_code is null
    union all
    select
        by_age_basis.*,
        numbered_buckets.bucket_no
    from by_age_basis
    inner join numbered_buckets
        on by_age_basis.credit_class_code = numbered_buckets.aging_bucket
),

totals as (
    select
        slice_no,
        company_code,
        customer_id,
        currency_code,
        is_by_due_date,
        bucket_no,
        sum(document_count) as document_count,
        sum(converted_count) as converted_count,
        sum(open_amount_document) as open_amount_document,
        sum(open_amount) as open_amount
    from bucketed
    group by slice_no, company_code, customer_id, currency_code, is_by_due_date, bucket_no
),

final as (
    select
        slices.as_of_date,
        totals.company_code,
        totals.customer_id,
        totals.currency_code,
        numbered_buckets.bucket_set,
        case when totals.is_by_due_date then 'due_date' else 'document_date' end as age_basis,
        numbered_buckets.aging_bucket,
        numbered_buckets.aging_bucket_order,
        cast(totals.document_count as bigint) as document_count,
        cast(totals.open_amount_document as decimal(18, 2)) as open_amount_document,
        case
            when totals.converted_count = totals.document_count
                then cast(totals.open_amount as decimal(18, 2))
        end as open_amount,
        case
            when totals.converted_count = totals.document_count then 'ok'
            else 'missing'
        end as rate_status
    from totals
    inner join slices
        on totals.slice_no = slices.slice_no
    inner join numbered_buckets
        on totals.bucket_no = numbered_buckets.bucket_no
)

select * from final
