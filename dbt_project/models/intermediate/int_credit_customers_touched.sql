-- Grain: one row per customer of whom something that grades are made of may count otherwise since
-- the build before: a movement, an item or a promise of theirs changed or took effect, or a payment
-- that their cash is dated by. With the first delivery of the ledger whatever was told before it is
-- known from the beginning. Empty when the warehouse is built from nothing.
with movements as (
    select * from {{ ref('receivable_movements') }}
),

changed_movements as (
    {{ changed_rows('receivable_movements', ['customer_id']) }}
),

items as (
    select * from {{ ref('receivable_items') }}
    where item_type = 'document'
),

changed_items as (
    {{ changed_rows(
        'receivable_items', ['company_code', 'item_type', 'document_id', 'customer_id']
    ) }}
),

payments as (
    select * from {{ ref('int_payments_versioned') }}
),

changed_payments as (
    {{ changed_rows('int_payments_versioned', ['company_code', 'payment_id']) }}
),

promises as (
    select * from {{ ref('int_promises_judged') }}
),

changed_promises as (
    {{ changed_rows('int_promises_judged', ['customer_id']) }}
),

parameters as (
    select * from {{ ref('int_credit_parameters_read') }}
),

changed_promises_then as (
    {{ changed_rows('int_promises_judged_then', ['customer_id']) }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

dating_payments as (
    select
        company_code,
        payment_id
    from changed_payments
    union
    select
        payments.company_code,
        payments.payment_id
    from payments
    inner join changed_payments
        on
            payments.company_code = changed_payments.company_code
            and payments.reverses_payment_id = changed_payments.payment_id
    union
    select
        company_code,
        document_id as payment_id
    from changed_items
    where item_type = 'payment'
),

first_ledgers as (
    select parameters.first_recorded_at
    from parameters
    inner join run_parameters
        on parameters.first_recorded_at > run_parameters.previous_known_at
),

final as (
    select customer_id from changed_movements
    union
    select customer_id from changed_items
    union
    select customer_id from changed_promises
    union
    select customer_id from changed_promises_then
    union
    select movements.customer_id
    from movements
    cross join first_ledgers
    union
    select promises.customer_id
    from promises
    cross join first_ledgers
    union
    select movements.customer_id
    from movements
    cross join run_parameters
    where
        movements.effective_date > run_parameters.previous_as_of_date
        and movements.effective_date <= run_parameters.as_of_date
    union
    select items.customer_id
    from items
    cross join run_parameters
    where
        items.document_date > run_parameters.previous_as_of_date
        and items.document_date <= run_parameters.as_of_date
    union
    select movements.customer_id
    from movements
    inner join dating_payments
        on
            movements.company_code = dating_payments.company_code
            and movements.source_id = dating_payments.payment_id
    where movements.source_type = 'payments'
    union
    select movements.customer_id
    from movements
    inner join changed_items
        on
            movements.company_code = changed_items.company_code
            and movements.item_type = changed_items.item_type
            and movements.document_id = changed_items.document_id
)

select * from final
