-- Grain: one row per promise that cash may serve otherwise since the build before: every promise
-- that may share cash with one that changed, or that cash which changed may serve. Empty when the
-- warehouse is built from nothing.
with promises as (
    select * from {{ ref('int_promises_windowed') }}
),

changed_promises as (
    {{ changed_rows(
        'int_promises_windowed', ['promise_id', 'customer_id', 'contested_document_id']
    ) }}
),

cash as (
    select * from {{ ref('cash_applications') }}
),

changed_cash as (
    {{ changed_rows(
        'cash_applications',
        ['company_code', 'original_payment_id', 'document_id', 'customer_id', 'is_reversed_cash']
    ) }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

touched_cash as (
    select
        company_code,
        original_payment_id,
        document_id,
        customer_id,
        is_reversed_cash
    from changed_cash
    union all
    select
        cash.company_code,
        cash.original_payment_id,
        cash.document_id,
        cash.customer_id,
        cash.is_reversed_cash
    from cash
    cross join run_parameters
    where
        cash.effective_date > run_parameters.previous_as_of_date
        and cash.effective_date <= run_parameters.as_of_date
),

touched_payments as (
    select
        company_code,
        original_payment_id,
        document_id
    from touched_cash
    group by company_code, original_payment_id, document_id
),

-- What is taken back of a payment bears on all that it paid on the document.
reversed_payments as (
    select
        company_code,
        original_payment_id,
        document_id
    from touched_cash
    where is_reversed_cash
    union
    select
        cash.company_code,
        cash.original_payment_id,
        cash.document_id
    from cash
    inner join touched_payments
        on
            cash.company_code = touched_payments.company_code
            and cash.original_payment_id = touched_payments.original_payment_id
            and cash.document_id = touched_payments.document_id
    where cash.is_reversed_cash
),

served as (
    select
        customer_id,
        document_id
    from touched_cash
    union
    select
        cash.customer_id,
        cash.document_id
    from cash
    inner join reversed_payments
        on
            cash.company_code = reversed_payments.company_code
            and cash.original_payment_id = reversed_payments.original_payment_id
            and cash.document_id = reversed_payments.document_id
),

served_customers as (
    select customer_id from served
    union
    select customer_id from changed_promises
    where contested_document_id is null
),

contested as (
    select
        customer_id,
        document_id
    from served
    union
    select
        customer_id,
        contested_document_id as document_id
    from changed_promises
    where contested_document_id is not null
),

touched as (
    select promise_id from changed_promises
    union all
    select promises.promise_id
    from promises
    inner join contested
        on
            promises.customer_id = contested.customer_id
            and promises.contested_document_id = contested.document_id
    union all
    select promises.promise_id
    from promises
    inner join served_customers
        on promises.customer_id = served_customers.customer_id
    where promises.contested_document_id is null
),

final as (
    select promise_id
    from touched
    group by promise_id
)

select * from final
