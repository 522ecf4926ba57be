-- Grain: one row per kept slice, company, customer, currency, bucket set, age basis and bucket that
-- is not empty, in the headline or with credits presented otherwise. A view that puts names beside
-- the numbers of aging_by_account. Only marts are read, named without their database, so that the
-- view also works in the published copy.
{{ config(materialized='view') }}

with aging as (
    select * from {{ ref('aging_by_account').include(database=false) }}
),

credits as (
    select * from {{ ref('aging_credits_by_account').include(database=false) }}
),

closing_rates as (
    select * from {{ ref('closing_rates_by_day').include(database=false) }}
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

-- A bucket that holds no document may still take in a credit.
presented as (
    select
        aging.as_of_date,
        aging.account_no,
        aging.bucket_no,
        aging.is_by_due_date,
        aging.document_count,
        aging.open_amount_document,
        aging.open_amount,
        coalesce(credits.credits_aged_amount_document, 0) as credits_aged_amount_document,
        case when credits.account_no is null then 0 else credits.credits_aged_amount end
            as credits_aged_amount,
        coalesce(credits.credits_applied_amount_document, 0) as credits_applied_amount_document,
        case when credits.account_no is null then 0 else credits.credits_applied_amount end
            as credits_applied_amount
    from aging
    left join credits
        on
            aging.as_of_date = credits.as_of_date
            and aging.account_no = credits.account_no
            and aging.bucket_no = credits.bucket_no
            and aging.is_by_due_date = credits.is_by_due_date
    union all
    select
        credits.as_of_date,
        credits.account_no,
        credits.bucket_no,
        credits.is_by_due_date,
        0 as document_count,
        0 as open_amount_document,
        0 as open_amount,
        credits.credits_aged_amount_document,
        credits.credits_aged_amount,
        credits.credits_applied_amount_document,
        credits.credits_applied_amount
    from credits
    left join aging
        on
            credits.as_of_date = aging.as_of_date
            and credits.account_no = aging.account_no
            and credits.bucket_no = aging.bucket_no
            and credits.is_by_due_date = aging.is_by_due_date
    where aging.account_no is null
),

final as (
    select
        presented.as_of_date,
        accounts.company_code,
        accounts.customer_id,
        accounts.currency_code,
        numbered_buckets.bucket_set,
        case when presented.is_by_due_date then 'due_date' else 'document_date' end as age_basis,
        numbered_buckets.aging_bucket,
        numbered_buckets.aging_bucket_order,
        presented.document_count,
        cast(presented.open_amount_document as decimal(18, 2)) as open_amount_document,
        cast(presented.open_amount as decimal(18, 2)) as open_amount,
        case when presented.open_amount is null then 'missing' else 'ok' end as rate_status,
        cast(
            presented.open_amount_document + presented.credits_aged_amount_document
            as decimal(18, 2)
        ) as open_amount_credits_aged_document,
        cast(presented.open_amount + presented.credits_aged_amount as decimal(18, 2))
            as open_amount_credits_aged,
        cast(
            presented.open_amount_document + presented.credits_applied_amount_document
            as decimal(18, 2)
        ) as open_amount_credits_applied_document,
        cast(presented.open_amount + presented.credits_applied_amount as decimal(18, 2))
            as open_amount_credits_applied,
        {{ convert_amount('presented.open_amount_document', 'closing_rates.fx_rate') }}
            as revalued_open_amount,
        closing_rates.rate_status as revalued_rate_status
    from presented
    inner join accounts
        on presented.account_no = accounts.account_no
    inner join numbered_buckets
        on presented.bucket_no = numbered_buckets.bucket_no
    inner join closing_rates
        on
            accounts.currency_code = closing_rates.currency_code
            and presented.as_of_date = closing_rates.rate_date
)

select * from final
