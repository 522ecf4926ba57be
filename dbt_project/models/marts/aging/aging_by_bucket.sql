-- Grain: one row per kept slice, company, currency, bucket set, age basis and bucket that is not
-- empty.
with aging_by_customer as (
    select * from {{ ref('aging_by_customer') }}
),

totals as (
    select
        as_of_date,
        company_code,
        currency_code,
        bucket_set,
        age_basis,
        aging_bucket,
        aging_bucket_order,
        sum(document_count) as document_count,
        sum(open_amount_document) as open_amount_document,
        sum(open_amount) as open_amount,
        sum(case when rate_status = 'ok' then 0 else 1 end) as missing_count
    from aging_by_customer
    group by
        as_of_date,
        company_code,
        currency_code,
        bucket_set,
        age_basis,
        aging_bucket,
        aging_bucket_order
),

final as (
    select
        as_of_date,
        company_code,
        currency_code,
        bucket_set,
        age_basis,
        aging_bucket,
        aging_bucket_order,
        cast(document_count as bigint) as document_count,
        cast(open_amount_document as decimal(18, 2)) as open_amount_document,
        case
            when missing_count = 0 then cast(open_amount as decimal(18, 2))
        end as open_amount,
        case when missing_count = 0 then 'ok' else 'missing' end as rate_status
    from totals
)

select * from final
