-- Grain: one row per movement of cash on a document, effective by the as-of date, and interval of
-- months at whose ends it was known and in effect, of customers who promised and of whom something
-- was learned late: told of after its month, corrected or taken back. A month is a number: months
-- since January 1970. A reversal names the payment that it takes back, as known then.
{%- set first_recorded_at = 'parameters.first_recorded_at' %}
{%- set timezone = 'parameters.timezone' %}
with all_movements as (
    select * from {{ ref('receivable_movements') }}
    where
        item_type = 'document'
        and movement_type in ('payment', 'application', 'payment_reversal')
),

payments as (
    select * from {{ ref('int_payments_versioned') }}
    where
        valid_from < valid_to
        and not is_withdrawn
),

promises as (
    select * from {{ ref('int_promises_windowed') }}
),

parameters as (
    select * from {{ ref('int_credit_parameters_read') }}
),

learned as (
    select * from {{ ref('int_movements_learned') }}
),

followed_customers as (
    select customer_id from learned
    union
    select all_movements.customer_id
    from all_movements
    inner join promises
        on all_movements.customer_id = promises.customer_id
    where all_movements.movement_type = 'payment_reversal'
    union
    select promises.customer_id
    from promises
    cross join parameters
    where
        {{ known_from_month('promises._recorded_at', first_recorded_at, timezone) }}
        > {{ month_number('promises.promise_date') }}
),

movements as (
    select
        all_movements.company_code,
        all_movements.document_id,
        all_movements.customer_id,
        all_movements.currency_code,
        all_movements.movement_type,
        all_movements.source_id,
        all_movements.source_line_no,
        all_movements.effective_date,
        -all_movements.amount_document as amount_document,
        greatest(
            {{ month_number('all_movements.effective_date') }},
            {{ known_from_month('all_movements._recorded_at', first_recorded_at, timezone) }}
        ) as month_from,
        {{ known_from_month('all_movements._superseded_at', first_recorded_at, timezone) }}
            as month_to
    from all_movements
    cross join parameters
    inner join followed_customers
        on all_movements.customer_id = followed_customers.customer_id
    where all_movements.effective_date <= parameters.as_of_date
),

received as (
    select
        company_code,
        document_id,
        customer_id,
        currency_code,
        source_id as original_payment_id,
        effective_date,
        cast(null as date) as own_payment_date,
        amount_document,
        false as is_reversed_cash,
        month_from,
        month_to
    from movements
    where movement_type <> 'payment_reversal'
),

taken_back as (
    select
        movements.company_code,
        movements.document_id,
        movements.customer_id,
        movements.currency_code,
        coalesce(payments.reverses_payment_id, movements.source_id) as original_payment_id,
        movements.effective_date,
        payments.payment_date as own_payment_date,
        movements.amount_document,
        true as is_reversed_cash,
        greatest(
            movements.month_from,
            {{ known_from_month('payments.valid_from', first_recorded_at, timezone) }}
        ) as month_from,
        least(
            movements.month_to,
            {{ known_from_month('payments.valid_to', first_recorded_at, timezone) }}
        ) as month_to
    from movements
    cross join parameters
    inner join payments
        on
            movements.company_code = payments.company_code
            and movements.source_id = payments.payment_id
            and movements.source_line_no = payments.line_no
    where movements.movement_type = 'payment_reversal'
),

known as (
    select * from received
    union all
    select * from taken_back
),

final as (
    select
        company_code,
        document_id,
        customer_id,
        currency_code,
        original_payment_id,
        effective_date,
        own_payment_date,
        cast(amount_document as decimal(18, 2)) as amount_document,
        is_reversed_cash,
        cast(month_from as integer) as month_from,
        cast(month_to as integer) as month_to
    from known
    where month_from < month_to
)

select * from final
