-- Grain: one row per promise that may be judged otherwise since the build before: it changed, or
-- the cash that serves it, or its document's balance, or its deadline had not passed. Empty when
-- the warehouse is built from nothing.
with promises as (
    select * from {{ ref('int_promises_windowed') }}
),

changed_promises as (
    {{ changed_rows('int_promises_windowed', ['promise_id']) }}
),

changed_cash_matched as (
    {{ changed_rows('int_promises_paid', ['promise_id']) }}
),

changed_balances as (
    {{ changed_rows('receivables_by_span', ['customer_id', 'document_id', 'item_type']) }}
),

cash as (
    select * from {{ ref('cash_applications') }}
),

changed_cash as (
    {{ changed_rows('cash_applications', ['customer_id', 'document_id', 'is_reversed_cash']) }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

documents as (
    select
        customer_id,
        document_id
    from changed_balances
    where item_type = 'document'
    union
    select
        customer_id,
        document_id
    from changed_cash
    where is_reversed_cash
    union
    select
        cash.customer_id,
        cash.document_id
    from cash
    cross join run_parameters
    where
        cash.is_reversed_cash
        and cash.effective_date > run_parameters.previous_as_of_date
        and cash.effective_date <= run_parameters.as_of_date
),

touched as (
    select promise_id from changed_promises
    union all
    select promise_id from changed_cash_matched
    union all
    select promises.promise_id
    from promises
    cross join run_parameters
    where promises.deadline_date >= run_parameters.previous_as_of_date
    union all
    select promises.promise_id
    from promises
    inner join documents
        on
            promises.customer_id = documents.customer_id
            and promises.target_document_id = documents.document_id
),

final as (
    select promise_id
    from touched
    group by promise_id
)

select * from final
