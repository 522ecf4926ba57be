-- Grain: one row per promise and span of months at whose ends something else was known than now of
-- what it may share cash with: of payments, of documents, or of other promises. With the days on
-- which cash could keep it, as it stood then. A month is a number: months since January 1970.
-- A promise is known from when it was first told of, and says what it is last said to be.
-- Promises whose days overlap, whatever replaced them, are looked at together: their island. No
-- cash serves two islands, so that only islands of which something was learned later are here.
{%- set first_recorded_at = 'parameters.first_recorded_at' %}
{%- set timezone = 'parameters.timezone' %}
{%- set island = ['customer_id', 'contested_document_id', 'island_no'] %}
{%- set span = island + ['first_known_no', 'last_known_no'] %}
with promises as (
    select * from {{ ref('int_promises_windowed') }}
),

movements as (
    select * from {{ ref('int_movements_learned') }}
),

cash as (
    select * from {{ ref('int_promise_cash_known') }}
),

payments as (
    select * from {{ ref('int_payments_versioned') }}
    where not is_withdrawn
),

parameters as (
    select * from {{ ref('int_credit_parameters_read') }}
),

windowed as (
    select
        promises.*,
        greatest(promises.promise_date, promises.deadline_date) as last_date,
        {{ month_number('promises.promise_date') }} as promise_month_no,
        {{ known_from_month('promises._recorded_at', first_recorded_at, timezone) }}
            as told_month_no
    from promises
    cross join parameters
),

followed as (
    select
        *,
        max(last_date) over (
            partition by customer_id, contested_document_id
            order by promise_date, promised_at, promise_id
            rows between unbounded preceding and 1 preceding
        ) as last_date_before
    from windowed
),

numbered as (
    select
        promise_id,
        customer_id,
        contested_document_id,
        target_document_id,
        promised_at,
        promise_date,
        promised_date,
        deadline_date,
        last_date,
        currency_code,
        promised_amount_document,
        amount_tolerance_rate,
        _recorded_at,
        promise_month_no,
        told_month_no,
        sum(
            case when promise_date > last_date_before or last_date_before is null then 1 else 0 end
        ) over (
            partition by customer_id, contested_document_id
            order by promise_date, promised_at, promise_id
            rows between unbounded preceding and current row
        ) as island_no
    from followed
),

islands as (
    select
        {{ columns_of(island) }},
        min(promise_date) as first_date,
        max(last_date) as last_date,
        min(promise_month_no) as first_month_no
    from numbered
    group by {{ columns_of(island) }}
),

-- With the days of their island: a third relation to join might be joined by customer and number
-- alone, because the contested document may be null, and would meet every promise of the customer.
on_islands as (
    select
        *,
        min(promise_date) over (partition by {{ columns_of(island) }}) as island_first_date,
        max(last_date) over (partition by {{ columns_of(island) }}) as island_last_date
    from numbered
),

reversed as (
    select
        company_code,
        document_id,
        original_payment_id
    from cash
    where is_reversed_cash
    group by company_code, document_id, original_payment_id
),

payment_dates as (
    select
        payments.company_code,
        payments.payment_id,
        min(payments.payment_date) as payment_date
    from payments
    inner join reversed
        on
            payments.company_code = reversed.company_code
            and payments.payment_id = reversed.original_payment_id
    group by payments.company_code, payments.payment_id
),

-- Cash of a payment that was ever taken back: what is taken back was not known before, and goes off
-- the latest cash first.
cash_of_reversed as (
    select
        cash.customer_id,
        cash.document_id,
        least(
            coalesce(payment_dates.payment_date, cash.effective_date),
            coalesce(cash.own_payment_date, cash.effective_date),
            cash.effective_date
        ) as first_date,
        cash.month_from,
        cash.month_to
    from cash
    inner join reversed
        on
            cash.company_code = reversed.company_code
            and cash.document_id = reversed.document_id
            and cash.original_payment_id = reversed.original_payment_id
    left join payment_dates
        on
            cash.company_code = payment_dates.company_code
            and cash.original_payment_id = payment_dates.payment_id
),

-- The months in which something was learned, and the first day of which.
learned as (
    select
        customer_id,
        document_id,
        effective_date as first_date,
        recorded_month_no as month_no
    from movements
    where
        recorded_month_no > effective_month_no
        and recorded_month_no < superseded_month_no
    union all
    select
        customer_id,
        document_id,
        effective_date as first_date,
        superseded_month_no as month_no
    from movements
    where
        superseded_month_no < {{ never_month() }}
        and greatest(effective_month_no, recorded_month_no) < superseded_month_no
    union all
    select
        customer_id,
        document_id,
        first_date,
        month_from as month_no
    from cash_of_reversed
    union all
    select
        customer_id,
        document_id,
        first_date,
        month_to as month_no
    from cash_of_reversed
    where month_to < {{ never_month() }}
),

learned_of_documents as (
    select
        customer_id,
        document_id,
        month_no,
        min(first_date) as first_date
    from learned
    group by customer_id, document_id, month_no
),

learned_of_customers as (
    select
        customer_id,
        month_no,
        min(first_date) as first_date
    from learned_of_documents
    group by customer_id, month_no
),

learned_of_islands as (
    select
        {{ columns_of(island, 'islands') }},
        learned_of_documents.month_no
    from islands
    inner join learned_of_documents
        on
            islands.customer_id = learned_of_documents.customer_id
            and islands.contested_document_id = learned_of_documents.document_id
            and islands.last_date >= learned_of_documents.first_date
            and islands.first_month_no < learned_of_documents.month_no
    union
    select
        {{ columns_of(island, 'islands') }},
        learned_of_customers.month_no
    from islands
    inner join learned_of_customers
        on
            islands.customer_id = learned_of_customers.customer_id
            and islands.last_date >= learned_of_customers.first_date
            and islands.first_month_no < learned_of_customers.month_no
    where islands.contested_document_id is null
    union
    select
        {{ columns_of(island) }},
        told_month_no as month_no
    from numbered
    where told_month_no > promise_month_no
    union
    select
        {{ columns_of(island, 'islands') }},
        islands.first_month_no as month_no
    from islands
),

learned_in_order as (
    select
        {{ columns_of(island) }},
        month_no as first_known_no,
        lead(month_no) over (partition by {{ columns_of(island) }} order by month_no)
        - 1 as last_known_no
    from learned_of_islands
),

known as (
    select
        learned_in_order.first_known_no,
        learned_in_order.last_known_no,
        on_islands.*
    from learned_in_order
    inner join on_islands
        on
            learned_in_order.customer_id = on_islands.customer_id
            and learned_in_order.contested_document_id
            is not distinct from on_islands.contested_document_id
            and learned_in_order.island_no = on_islands.island_no
    where
        on_islands.told_month_no <= learned_in_order.last_known_no
        and on_islands.promise_month_no <= learned_in_order.last_known_no
),

promise_days as (
    select
        {{ columns_of(span) }},
        target_document_id,
        promise_date
    from known
    group by {{ columns_of(span) }}, target_document_id, promise_date
),

promise_days_followed as (
    select
        *,
        lead(promise_date) over (
            partition by {{ columns_of(span) }}, target_document_id order by promise_date
        ) as next_promise_date
    from promise_days
),

superseded as (
    select
        known.*,
        case
            when promise_days_followed.next_promise_date <= known.promised_date
                then promise_days_followed.next_promise_date
        end as superseded_date
    from known
    inner join promise_days_followed
        on
            known.customer_id = promise_days_followed.customer_id
            and known.contested_document_id
            is not distinct from promise_days_followed.contested_document_id
            and known.island_no = promise_days_followed.island_no
            and known.first_known_no = promise_days_followed.first_known_no
            and known.promise_date = promise_days_followed.promise_date
            and known.target_document_id
            is not distinct from promise_days_followed.target_document_id
),

final as (
    select
        promise_id,
        customer_id,
        contested_document_id,
        cast(island_no as integer) as island_no,
        island_first_date,
        island_last_date,
        cast(first_known_no as integer) as first_known_no,
        cast(last_known_no as integer) as last_known_no,
        cast(
            row_number() over (
                partition by {{ columns_of(span) }}
                order by promised_at, promise_id
            ) as integer
        ) as promise_no,
        target_document_id,
        promise_date,
        promised_date,
        deadline_date,
        superseded_date,
        promise_date as window_start,
        least(
            deadline_date,
            coalesce({{ add_days('superseded_date', -1) }}, deadline_date)
        ) as window_end,
        currency_code,
        promised_amount_document,
        amount_tolerance_rate,
        cast(told_month_no as integer) as told_month_no
    from superseded
)

select * from final
