-- Grain: one row per kept slice, company, currency, bucket set, age basis and bucket that is not
-- empty, in the headline or with credits presented otherwise.
with aging_by_account as (
    select * from {{ ref('aging_by_account') }}
),

aging_credits as (
    select * from {{ ref('aging_credits_by_account') }}
),

closing_rates as (
    select * from {{ ref('closing_rates_by_day') }}
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

credit_totals as (
    select
        aging_credits.as_of_date,
        accounts.company_code,
        accounts.currency_code,
        aging_credits.bucket_no,
        aging_credits.is_by_due_date,
        sum(aging_credits.credits_aged_amount_document) as credits_aged_amount_document,
        sum(aging_credits.credits_aged_amount) as credits_aged_amount,
        sum(aging_credits.credits_applied_amount_document) as credits_applied_amount_document,
        sum(aging_credits.credits_applied_amount) as credits_applied_amount,
        count(*) - count(aging_credits.credits_aged_amount) as aged_missing_count,
        count(*) - count(aging_credits.credits_applied_amount) as applied_missing_count
    from aging_credits
    inner join accounts
        on aging_credits.account_no = accounts.account_no
    group by
        aging_credits.as_of_date,
        accounts.company_code,
        accounts.currency_code,
        aging_credits.bucket_no,
        aging_credits.is_by_due_date
),

presented as (
    select
        coalesce(totals.as_of_date, credit_totals.as_of_date) as as_of_date,
        coalesce(totals.company_code, credit_totals.company_code) as company_code,
        coalesce(totals.currency_code, credit_totals.currency_code) as currency_code,
        coalesce(totals.bucket_no, credit_totals.bucket_no) as bucket_no,
        coalesce(totals.is_by_due_date, credit_totals.is_by_due_date) as is_by_due_date,
        coalesce(totals.document_count, 0) as document_count,
        coalesce(totals.open_amount_document, 0) as open_amount_document,
        case when coalesce(totals.missing_count, 0) = 0 then coalesce(totals.open_amount, 0) end
            as open_amount,
        {%- for presentation in ['aged', 'applied'] %}
            coalesce(credit_totals.credits_{{ presentation }}_amount_document, 0)
                as credits_{{ presentation }}_amount_document,
            coalesce(credit_totals.credits_{{ presentation }}_amount, 0)
                as credits_{{ presentation }}_amount,
            coalesce(credit_totals.{{ presentation }}_missing_count, 0)
                as {{ presentation }}_missing_count,
        {%- endfor %}
        coalesce(totals.missing_count, 0) as missing_count
    from totals
    full outer join credit_totals
        on
            totals.as_of_date = credit_totals.as_of_date
            and totals.company_code = credit_totals.company_code
            and totals.currency_code = credit_totals.currency_code
            and totals.bucket_no = credit_totals.bucket_no
            and totals.is_by_due_date = credit_totals.is_by_due_date
),

final as (
    select
        presented.as_of_date,
        presented.company_code,
        presented.currency_code,
        numbered_buckets.bucket_set,
        case when presented.is_by_due_date then 'due_date' else 'document_date' end as age_basis,
        numbered_buckets.aging_bucket,
        numbered_buckets.aging_bucket_order,
        cast(presented.document_count as bigint) as document_count,
        cast(presented.open_amount_document as decimal(18, 2)) as open_amount_document,
        cast(presented.open_amount as decimal(18, 2)) as open_amount,
        case when presented.open_amount is null then 'missing' else 'ok' end as rate_status,
        {%- for presentation in ['aged', 'applied'] %}
            cast(
                presented.open_amount_document
                + presented.credits_{{ presentation }}_amount_document as decimal(18, 2)
            ) as open_amount_credits_{{ presentation }}_document,
            case
                when presented.missing_count + presented.{{ presentation }}_missing_count = 0
                    then
                        cast(
                            presented.open_amount + presented.credits_{{ presentation }}_amount
                            as decimal(18, 2)
                        )
            end as open_amount_credits_{{ presentation }},
        {%- endfor %}
        {{ convert_amount('presented.open_amount_document', 'closing_rates.fx_rate') }}
            as revalued_open_amount,
        closing_rates.rate_status as revalued_rate_status
    from presented
    inner join numbered_buckets
        on presented.bucket_no = numbered_buckets.bucket_no
    inner join closing_rates
        on
            presented.currency_code = closing_rates.currency_code
            and presented.as_of_date = closing_rates.rate_date
)

select * from final
