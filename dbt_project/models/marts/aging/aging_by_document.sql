-- Grain: one row per kept slice, item open on it and bucket set. A view: the balances are kept as
-- spans of days, and a slice of them is cut when it is read. Only marts are read, named without
-- their database, so that the view also works in the published copy.
{{ config(
    materialized='view',
    post_hook=["{{ create_open_items_as_of() }}", "{{ create_aging_as_of() }}"]
) }}

with spans as (
    select * from {{ ref('receivables_by_span').include(database=false) }}
),

dates as (
    select * from {{ ref('dim_dates').include(database=false) }}
    where is_slice_kept
),

buckets as (
    select * from {{ ref('dim_aging_buckets').include(database=false) }}
),

closing_rates as (
    select * from {{ ref('closing_rates_by_day').include(database=false) }}
),

sliced as (
    select
        dates.calendar_date as as_of_date,
        spans.*
    from dates
    inner join spans
        on
            dates.calendar_date >= spans.open_from
            and dates.calendar_date < spans.open_to
),

final as (
    select
        sliced.as_of_date,
        sliced.company_code,
        sliced.document_id,
        sliced.installment_no,
        sliced.item_type,
        sliced.customer_id,
        sliced.document_type,
        sliced.currency_code,
        sliced.document_date,
        sliced.due_date,
        {{ days_between('sliced.due_date', 'sliced.as_of_date') }} as days_past_due,
        buckets.bucket_set,
        buckets.aging_bucket,
        buckets.aging_bucket_order,
        buckets_by_document_date.aging_bucket as aging_bucket_by_document_date,
        sliced.open_amount_document,
        sliced.open_amount,
        sliced.rate_status,
        sliced.is_over_applied,
        {{ convert_amount('sliced.open_amount_document', 'closing_rates.fx_rate') }}
            as revalued_open_amount,
        closing_rates.rate_status as revalued_rate_status
    from sliced
    inner join closing_rates
        on
            sliced.currency_code = closing_rates.currency_code
            and sliced.as_of_date = closing_rates.rate_date
    inner join buckets
        on
            sliced.credit_class_code = buckets.aging_bucket
            or (
                sliced.credit_class_code is null
                and {{ bucket_holds('buckets', 'sliced.due_date', 'sliced.as_of_date') }}
            )
    inner join buckets as buckets_by_document_date
        on
            buckets.bucket_set = buckets_by_document_date.bucket_set
            and (
                sliced.credit_class_code = buckets_by_document_date.aging_bucket
                or (
                    sliced.credit_class_code is null
                    and {{ bucket_holds(
                        'buckets_by_document_date', 'sliced.document_date', 'sliced.as_of_date'
                    ) }}
                )
            )
)

select * from final
