-- Grain: one row per promise to pay made up to the as-of date, as judged on it.
-- A promise that was paid is kept even if a newer one replaced it afterwards. The last day of
-- grace still counts, and until it is over the promise is open.
{{ config(**replaces_touched(by='int_promises_touched', keys=['promise_id'])) }}

with promises as (
    select * from {{ ref('int_promises_windowed') }}
),

cash_matched as (
    select * from {{ ref('int_promises_paid') }}
),

balances as (
    select * from {{ ref('receivables_by_span') }}
),

cash as (
    select * from {{ ref('int_cash_dated') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

thresholds as (
    select
        promises.*,
        run_parameters.as_of_date,
        least(promises.deadline_date, run_parameters.as_of_date) as judged_date,
        cast(
            cast(promises.promised_amount_document as decimal(28, 2))
            * (1 - promises.amount_tolerance_rate)
            as decimal(38, 10)
        ) as kept_from_amount_document
    from promises
    cross join run_parameters
    where {{ touched_only('promises', 'int_promises_touched', ['promise_id']) }}
),

cash_by_promise as (
    select
        thresholds.promise_id,
        cast(sum(cash_matched.matched_amount_document) as decimal(18, 2))
            as matched_amount_document,
        max(cash_matched.effective_date) as last_matched_date,
        min(
            case
                when
                    cash_matched.matched_amount_document_until_then
                    >= thresholds.kept_from_amount_document
                    then cash_matched.effective_date
            end
        ) as kept_date
    from thresholds
    inner join cash_matched
        on thresholds.promise_id = cash_matched.promise_id
    group by thresholds.promise_id
),

-- A document that was settled by cash which bounced later was not settled.
documents_left_open as (
    select thresholds.promise_id
    from thresholds
    inner join cash
        on
            thresholds.customer_id = cash.customer_id
            and thresholds.target_document_id = cash.document_id
            and cash.is_reversed_cash
            and thresholds.judged_date >= cash.payment_date
            and thresholds.judged_date < cash.effective_date
    union all
    select thresholds.promise_id
    from thresholds
    inner join balances
        on
            thresholds.customer_id = balances.customer_id
            and thresholds.target_document_id = balances.document_id
            and balances.item_type = 'document'
            and thresholds.judged_date >= balances.open_from
            and thresholds.judged_date < balances.open_to
),

documents_still_open as (
    select promise_id
    from documents_left_open
    group by promise_id
),

judged as (
    select
        thresholds.*,
        coalesce(cash_by_promise.matched_amount_document, 0) as matched_amount_document,
        cash_by_promise.last_matched_date,
        cash_by_promise.kept_date,
        case
            when cash_by_promise.kept_date is not null then 'kept'
            when thresholds.superseded_date is not null then 'superseded'
            when
                cash_by_promise.matched_amount_document is null
                and thresholds.target_document_id is not null
                and (
                    thresholds.is_document_withdrawn
                    or documents_still_open.promise_id is null
                )
                then 'cancelled'
            when thresholds.as_of_date <= thresholds.deadline_date then 'open'
            when cash_by_promise.matched_amount_document > 0 then 'partly_kept'
            else 'broken'
        end as promise_status
    from thresholds
    left join cash_by_promise
        on thresholds.promise_id = cash_by_promise.promise_id
    left join documents_still_open
        on thresholds.promise_id = documents_still_open.promise_id
),

final as (
    select
        promise_id,
        customer_id,
        document_id,
        company_code,
        case when target_document_id is null then 'customer' else 'document' end as promise_scope,
        collector_id,
        channel,
        promised_at,
        promise_date,
        promised_date,
        deadline_date,
        superseded_date,
        currency_code,
        promised_amount_document,
        cast(matched_amount_document as decimal(18, 2)) as matched_amount_document,
        promised_amount,
        last_matched_date,
        kept_date,
        promise_status,
        _recorded_at
    from judged
)

select * from final
