-- Grain: one row per document item as known now: what it was worth, what has happened to it by the
-- as_of_date, and what is open. A memo, write-off or adjustment that is booked on another document
-- is in that document's row and has none of its own. Open is original + adjusted - paid - credited
-- - discounted - written off; a recovery comes back and is paid on one day. A view, because ages
-- grow by the day. Only marts are read, named without their database, so that the view also works
-- in the published copy.
{{ config(materialized='view') }}

with receivables as (
    select * from {{ ref('receivables_summed').include(database=false) }}
),

due_dates as (
    select * from {{ ref('aging_by_due_date').include(database=false) }}
),

dates as (
    select * from {{ ref('dim_dates').include(database=false) }}
    where is_as_of_date
),

joined as (
    select
        receivables.*,
        dates.calendar_date as as_of_date,
        {{ credit_class_of(
            "'document'", 'receivables.document_type', 'receivables.original_amount_document'
        ) }} as credit_class_code,
        due_dates.aging_bucket_days,
        due_dates.aging_bucket_months
    from receivables
    left join due_dates
        on receivables.due_date = due_dates.due_date
    -- Last: the engine keeps a cross join as a comma, which binds less than the join that follows.
    cross join dates
),

final as (
    select
        as_of_date,
        company_code,
        document_id,
        installment_no,
        customer_id,
        document_type,
        document_date,
        due_date,
        due_date_source,
        currency_code,
        original_amount_document,
        original_amount,
        paid_amount_document,
        paid_amount,
        credited_amount_document,
        credited_amount,
        discounted_amount_document,
        discounted_amount,
        adjusted_amount_document,
        adjusted_amount,
        written_off_amount_document,
        written_off_amount,
        recovered_amount_document,
        recovered_amount,
        open_amount_document,
        case
            when open_amount_document = 0 then cast(0 as decimal(18, 2))
            else remaining_amount
        end as open_amount,
        case
            when open_amount_document <> 0 then cast(0 as decimal(18, 2))
            else remaining_amount
        end as fx_residue_amount,
        case when remaining_amount is null then 'missing' else 'ok' end as rate_status,
        settled_date,
        last_payment_date,
        {{ days_between('due_date', 'as_of_date') }} as days_past_due,
        case
            when open_amount_document <> 0 then coalesce(credit_class_code, aging_bucket_days)
        end as aging_bucket_days,
        case
            when open_amount_document <> 0 then coalesce(credit_class_code, aging_bucket_months)
        end as aging_bucket_months,
        applies_to_document_id,
        has_open_dispute,
        legal_status,
        salesperson_id,
        credit_class_code is null and open_amount_document < 0 as is_over_applied,
        document_date > as_of_date as is_future_dated,
        due_date < document_date as is_due_before_document,
        is_unknown_customer,
        remaining_amount is null as is_missing_rate
    from joined
)

select * from final
