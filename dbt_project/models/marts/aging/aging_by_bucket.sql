-- Grain: one row per kept slice, company, currency, bucket set, age basis and bucket that is not
-- empty.
with aging_by_account as (
    select * from {{ ref('aging_by_account') }}
),

accounts as (
    select * from {{ ref('aging_accounts') }}
),

buckets as (
    select * from {{ ref('dim_aging_buckets') }}
),

numbered_buckets as (
    select
        bucket_set,
        aging_bucket,
        aging_bucket_order,
        {{ bucket_number() }} as bucket_no
    from buckets
),

totals as (
    select
        aging_by_account.as_of_date,
        accounts.company_code,
        accounts.currency_code,
        aging_by_account.bucket_no,
        aging_by_account.is_by_due_date,
        sum(aging_by_account.document_count) as document_count,
        sum(aging_by_account.open_amount_document) as open_amount_document,
        sum(aging_by_account.open_amount) as open_amount,
        count(*) - count(aging_by_account.open_amount) as missing_count
    from aging_by_account
    inner join accounts
        on aging_by_account.account_no = accounts.account_no
    group by
        aging_by_account.as_of_date,
        accounts.company_code,
        accounts.currency_code,
        aging_by_account.bucket_no,
        aging_by_account.is_by_due_date
),

final as (
    select
        totals.as_of_date,
        totals.company_code,
        totals.currency_code,
        numbered_buckets.bucket_set,
        case when totals.is_by_due_date then 'due_date' else 'document_date' end as age_basis,
        numbered_buckets.aging_bucket,
        numbered_buckets.aging_bucket_order,
        cast(totals.document_count as bigint) as document_count,
        cast(totals.open_amount_document as decimal(18, 2)) as open_amount_document,
        case
            when totals.missing_count = 0 then cast(totals.open_amount as decimal(18, 2))
        end as open_amount,
        case when totals.missing_count = 0 then 'ok' else 'missing' end as rate_status
    from totals
    inner join numbered_buckets
        on totals.bucket_no = numbered_buckets.bucket_no
)

select * from final
