-- Grain: one row per kept slice, company, customer, currency, bucket set, age basis and bucket that
-- is not empty. A view that puts names beside the numbers of aging_by_account. Only marts are read,
-- named without their database, so that the view also works in the published copy.
{{ config(materialized='view') }}

with aging as (
    select * from {{ ref('aging_by_account').include(database=false) }}
),

accounts as (
    select * from {{ ref('aging_accounts').include(database=false) }}
),

buckets as (
    select * from {{ ref('dim_aging_buckets').include(database=false) }}
),

numbered_buckets as (
    select
        bucket_set,
        aging_bucket,
        aging_bucket_order,
        {{ bucket_number() }} as bucket_no
    from buckets
),

final as (
    select
        aging.as_of_date,
        accounts.company_code,
        accounts.customer_id,
        accounts.currency_code,
        numbered_buckets.bucket_set,
        case when aging.is_by_due_date then 'due_date' else 'document_date' end as age_basis,
        numbered_buckets.aging_bucket,
        numbered_buckets.aging_bucket_order,
        aging.document_count,
        aging.open_amount_document,
        aging.open_amount,
        case when aging.open_amount is null then 'missing' else 'ok' end as rate_status
    from aging
    inner join accounts
        on aging.account_no = accounts.account_no
    inner join numbered_buckets
        on aging.bucket_no = numbered_buckets.bucket_no
)

select * from final
